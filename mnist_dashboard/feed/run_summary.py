"""A run as the browser gets it: the live feed's `run` event, and the rows that pages hand to components."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterable
from dataclasses import asdict
from typing import Any

from mnist_core.analysis.seed_groups import seed_group_key
from mnist_core.records import NOT_IN_BROWSER, Run, RunStatus, json_value, run_values
from mnist_core.training.epochs import epoch_ends

RunSummary = dict[str, Any]
"""One run as JSON values: the data of the live feed's `run` event, and a row of `GET /runs.json`."""

NOTES_IN_LISTS = 300
"""So much of a run's notes is searched and shown in the table; the details view has all of them."""


def summarize_run(run: Run, queue: Iterable[Run] = ()) -> RunSummary:
    """Everything of `run` that the page shows, JSON-ready; its place in the queue follows from the unfinished runs."""
    position, after = _queue_position(run, queue)
    return {
        **{name: json_value(value) for name, value in run_values(run, NOT_IN_BROWSER).items()},
        "settings": asdict(run.config),
        "epochs": run.config.epochs,
        "queue_position": position,
        "after": after,
        "epoch_ends": epoch_ends(run.config, run.train_images, run.interventions) if run.train_images else [],
        "seed_group": _hash(seed_group_key(run)),
        "notes": run.notes[:NOTES_IN_LISTS],
        "deleted": run.deleted_at is not None,
        "curve": [float(f"{loss:.4g}") for loss in run.curve],
    }


def _hash(key: Hashable) -> str:
    """The same for equal keys, also after the next start of the server."""
    return hashlib.blake2s(repr(key).encode(), digest_size=6).hexdigest()


def finite_or_none(number: float | None) -> float | None:
    """JSON has no NaN and no infinity."""
    return number if number is None or math.isfinite(number) else None


def _queue_position(run: Run, queue: Iterable[Run]) -> tuple[int | None, str | None]:
    """A queued run's 1-based place among those waiting, and the name of the run it waits for."""
    if run.status is not RunStatus.QUEUED:
        return None, None
    ahead = [other for other in queue if other.id != run.id and (other.status.is_active or other.id < run.id)]
    waiting = [other for other in ahead if other.status is RunStatus.QUEUED]
    return len(waiting) + 1, (waiting or ahead)[-1].name if ahead else None
