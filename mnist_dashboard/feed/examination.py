"""Decides when the live feed examines a run again, and reads what that needs from the store."""

from __future__ import annotations

import asyncio
import time

from mnist_core.analysis.doctor.evidence import Earlier, Evaluated
from mnist_core.records import Run
from mnist_core.runs.remedies import checkpoint_steps
from mnist_core.store.queries import Queries
from mnist_dashboard.feed.cached_run import CachedRun


async def examine_if_due(queries: Queries, cached: CachedRun, after: str | None) -> None:
    """Update the sentence of a run in memory if that is due. `after` is the run that it waits for in the queue.

    Reads the store only for a run that has ended, for its checkpoints, and once for the run that it is compared with.
    """
    now = time.monotonic()
    if not cached.needs_examination(after, now):
        return
    if cached.evaluations and not cached.knows_earlier and cached.run.status.is_active:
        cached.earlier, cached.knows_earlier = await asyncio.to_thread(find_earlier, queries, cached.run), True
    checkpoints: tuple[int, ...] = ()
    if cached.run.status.is_finished:
        checkpoints = await asyncio.to_thread(checkpoint_steps, queries, cached.run)
    cached.examine(after, now, checkpoints)


def find_earlier(queries: Queries, run: Run) -> Earlier | None:
    """Return the run before this one on the same images, which its progress is compared with; else None."""
    earlier = queries.previous_run(run)
    if earlier is None or earlier.validation_images != run.validation_images:
        return None
    return Earlier(earlier.name, tuple(map(Evaluated.from_metrics, queries.list_evaluations(earlier.id))))
