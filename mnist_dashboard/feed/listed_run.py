"""A run as a row of `GET /runs.json`: what the table of runs shows of it, in a few hundred bytes.

The table can have many thousands of rows. Each is a list of values in the order of `FIELDS`, so the names of the fields
are sent once and not with every row.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from mnist_core.analysis.run_table import metric_value
from mnist_core.analysis.seed_groups import seed_group_key
from mnist_core.config import SETTINGS
from mnist_core.records import METRICS, Run, round_number
from mnist_dashboard.feed.run_summary import NOTES_EXCERPT_LENGTH, hash_key, queue_position

ListedRun = list[Any]
"""The values of one run, as JSON values, in the order of `FIELDS`."""

FIELDS = (
    *("id", "revision", "name", "status", "attempt", "dataset", "train_images", "validation_images", "test_images"),
    *("step", "started_at", "queue_position", "parent_id", "parent_step", "seed_group"),
    *("reason", "notes", "tags", "starred", "archived", "unverified", "curve"),
    *METRICS,
)
"""Names of the values of a run, without its settings, which follow in the order of `SETTINGS`."""

CURVE_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
"""Heights in a packed curve, from its smallest value to its largest: a sparkline is 20 pixels high."""

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
    known = {"id": run.id, "revision": run.revision, "name": run.name, "status": run.shown_status.value}
    unknown = {"attempt": run.attempt, "seed_group": hash_key(("damaged", run.id)), "curve": None, "tags": []}
    zero = dict.fromkeys(("train_images", "validation_images", "test_images", "step", "elapsed_seconds"), 0)
    texts: dict[str, Any] = {"reason": run.damage, "dataset": "", "notes": "", "starred": False, "archived": False, "unverified": False}
    values = texts | zero | unknown | known
    return [*(values.get(name) for name in FIELDS), *(None for _ in SETTINGS)]


def _list_sound_run(run: Run, queue: Iterable[Run]) -> ListedRun:
    position, _ = queue_position(run, queue)
    return [
        *(run.id, run.revision, run.name, run.status.value, run.attempt, run.dataset),
        *(run.train_images, run.validation_images, run.test_images, run.progress.step),
        *(run.started_at and round(run.started_at.timestamp(), 3), position, run.parent_id, run.parent_step),
        *(hash_key(seed_group_key(run)), run.reason, run.notes[:NOTES_EXCERPT_LENGTH], run.tags),
        *(run.starred, run.archived, run.unverified, pack_curve(run.curve)),
        *(_rounded(metric_value(run, name)) for name in METRICS),
        *(getattr(run.config, name) for name in SETTINGS),
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round_number(value)


def pack_curve(losses: Sequence[float]) -> tuple[float | None, float | None, str] | None:
    """Return the first and the last loss, and a digit of `CURVE_DIGITS` for the height of each on a logarithmic scale.

    A loss that is not a positive number is a blank. None if there are fewer than two losses.
    """
    if len(losses) < 2:
        return None
    logs = [math.log(loss) if 0 < loss < math.inf else None for loss in losses]
    known = [value for value in logs if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    scale = (len(CURVE_DIGITS) - 1) / ((high - low) or 1.0)
    text = "".join(" " if value is None else CURVE_DIGITS[round((value - low) * scale)] for value in logs)
    return round_number(losses[0], digits=4), round_number(losses[-1], digits=4), text
