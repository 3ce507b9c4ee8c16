"""A run in the form that the browser gets: from the live feed, from `/runs.json` and from pages."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import Any

from mnist_core.analysis.seed_groups import seed_group_key
from mnist_core.config import SETTINGS
from mnist_core.records import NOT_IN_BROWSER, Run, RunStatus, json_value, run_values
from mnist_core.training.epoch_ends import epoch_ends
from mnist_dashboard.feed.summaries.packed_curve import pack_curve

RunSummary = dict[str, Any]
"""One run as JSON values."""

NOTES_EXCERPT_LENGTH = 300
"""Characters of a run's notes that the table shows and searches; the details show all of them."""


MAX_INTERVENTIONS = 200
"""Maximum number of changes in a summary, the latest ones: lists of runs hold those of all runs."""

_log = logging.getLogger(__name__)


def summarize_run(run: Run, queue: Iterable[Run] = ()) -> RunSummary:
    """Return the summary of `run`. `queue` is the unfinished runs, which give its position in the queue.

    A run that cannot be summarised is summarised as damaged, so that it hides no other run.
    """
    if not run.damage:
        try:
            return _summarize_sound_run(run, queue)
        except Exception as error:
            _log.exception("Run %d cannot be summarised.", run.id)
            run = replace(run, damage=f"It cannot be shown ({error}). Delete the run, or restore a backup.")
    return _summarize_damaged_run(run)


def list_queue(unfinished: Iterable[Run]) -> dict[str, list[int]]:
    """Return the data of the feed's `queue` event: the ids of the queued runs, in the order they will start."""
    queued = [run for run in unfinished if run.status is RunStatus.QUEUED]
    return {"runs": [run.id for run in sorted(queued, key=lambda run: run.queue_order)]}


def _summarize_damaged_run(run: Run) -> RunSummary:
    """Return the summary of a run of which little more than the name is certain, in the same form."""
    unknown = Run(
        id=run.id,
        name=run.name,
        status=run.status,
        config=run.config,
        attempt=run.attempt,
        created_at=run.created_at,
        deleted_at=run.deleted_at,
        damage=run.damage,
        revision=run.revision,
    )
    return {
        **_summarize_sound_run(unknown),
        "settings": dict.fromkeys(SETTINGS),
        "epochs": 0,
        "seed_group": hash_key(("damaged", run.id)),
    }


def _summarize_sound_run(run: Run, queue: Iterable[Run] = ()) -> RunSummary:
    position, after = queue_position(run, queue)
    return {
        **{name: json_value(value) for name, value in run_values(run, NOT_IN_BROWSER).items()},
        "interventions": json_value(run.interventions[-MAX_INTERVENTIONS:]),
        "earlier_interventions": max(len(run.interventions) - MAX_INTERVENTIONS, 0),
        "settings": json_value(run.config),
        "epochs": run.config.epochs,
        "queue_position": position,
        "after": after,
        "epoch_ends": epoch_ends(run.config, run.train_images, run.interventions) if run.train_images else [],
        "seed_group": hash_key(seed_group_key(run)),
        "notes": run.notes[:NOTES_EXCERPT_LENGTH],
        "deleted": run.deleted_at is not None,
        "curve": pack_curve(run.curve),
    }


def hash_key(key: Hashable) -> str:
    """A hash that is the same after a restart of the server, unlike `hash`."""
    return hashlib.blake2s(repr(key).encode(), digest_size=6).hexdigest()


def queue_position(run: Run, queue: Iterable[Run]) -> tuple[int | None, str | None]:
    """A queued run's position, from 1, and the name of the run before it."""
    if run.status is not RunStatus.QUEUED:
        return None, None
    runs = list(queue)
    queued = [other for other in runs if other.status is RunStatus.QUEUED and other.queue_order < run.queue_order]
    if queued:
        return len(queued) + 1, max(queued, key=lambda other: other.queue_order).name
    active = [other for other in runs if other.status.is_active]
    return 1, active[-1].name if active else None
