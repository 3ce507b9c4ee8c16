"""A run as a row of `GET /runs.json`: what the table of runs shows of it, in a few hundred bytes.

The table can have many thousands of rows. Each is a list of values in the order of `FIELDS`, so the names of the fields
are sent once and not with every row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from mnist_core.analysis.run_table import metric_value
from mnist_core.analysis.seed_groups import NAMED_CHANGES, seed_group_key
from mnist_core.config import SETTINGS
from mnist_core.records import METRICS, Run, json_value, round_number
from mnist_dashboard.feed.summaries.packed_curve import pack_curve
from mnist_dashboard.feed.summaries.run_summary import NOTES_EXCERPT_LENGTH, hash_key, queue_position

ListedRun = list[Any]
"""The values of one run, as JSON values, in the order of `FIELDS`."""

FIELDS = (
    *("id", "revision", "name", "status", "attempt", "dataset", "train_images", "validation_images", "test_images"),
    *("step", "started_at", "queue_position", "parent_id", "parent_step", "seed_group"),
    *("sweep_id", "race_id"),
    *("reason", "notes", "tags", "starred", "archived", "unverified", "curve"),
    *("interventions", "earlier_interventions"),
    *METRICS,
)
"""Names of the values of a run, without its settings, which follow in the order of `SETTINGS`.

Of the changes during a run only those are sent that name its group of seeds.
"""

_UNKNOWN: dict[str, Any] = {
    **dict.fromkeys(("train_images", "validation_images", "test_images", "step", "elapsed_seconds"), 0),
    **dict.fromkeys(("dataset", "notes"), ""),
    **dict.fromkeys(("starred", "archived", "unverified"), False),
    **dict.fromkeys(("tags", "curve", "interventions"), ()),
    "earlier_interventions": 0,
}
"""The values of a damaged run that are not None."""

_log = logging.getLogger(__name__)


def list_run(run: Run, queue: Iterable[Run] = ()) -> ListedRun:
    """Return the row of `run`. `queue` is the unfinished runs, which give its position in the queue.

    A run that cannot be listed is listed as damaged, so that it hides no other run.
    """
    if not run.damage:
        try:
            return _list_sound_run(run, queue)
        except Exception as error:
            _log.exception("Run %d cannot be listed.", run.id)
            run = replace(run, damage=f"It cannot be shown ({error}). Delete the run, or restore a backup.")
    values = _UNKNOWN | {
        "id": run.id,
        "revision": run.revision,
        "name": run.name,
        "status": run.shown_status.value,
        "attempt": run.attempt,
        "reason": run.damage,
        "seed_group": hash_key(("damaged", run.id)),
    }
    return [*(values.get(name) for name in FIELDS), *(None for _ in SETTINGS)]


def _list_sound_run(run: Run, queue: Iterable[Run]) -> ListedRun:
    position, _ = queue_position(run, queue)
    first = run.interventions[:NAMED_CHANGES]
    return [
        *(run.id, run.revision, run.name, run.status.value, run.attempt, run.dataset),
        *(run.train_images, run.validation_images, run.test_images, run.progress.step),
        *(run.started_at and round(run.started_at.timestamp(), 3), position, run.parent_id, run.parent_step),
        *(
            hash_key(seed_group_key(run)),
            run.sweep_id,
            run.race_id,
            run.reason,
            run.notes[:NOTES_EXCERPT_LENGTH],
            run.tags,
        ),
        *(run.starred, run.archived, run.unverified, pack_curve(run.curve)),
        *(json_value(first), len(run.interventions) - len(first)),
        *(_rounded(metric_value(run, name)) for name in METRICS),
        *(getattr(run.config, name) for name in SETTINGS),
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round_number(value)
