"""A run as one flat row: the columns that exports, filters and sorting use."""

from __future__ import annotations

import math
from collections.abc import Container
from dataclasses import asdict, fields
from datetime import datetime
from functools import cache
from typing import Any, get_args, get_type_hints

from mnist_core import labels
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.records import METRICS, NOT_IN_TABLES, Progress, Results, Run, json_value, run_values

Cell = str | float | bool | None

SETTING_NAMES = tuple(field.name for field in fields(TrainConfig))

_IDENTITY = ("id", "name", "status", "dataset", "tags", "starred", "archived", "created_at", "finished_at")
_RENAMED = {"device": "device_used", "provenance": "commit"}
"""Columns not named after their field: `device` is the requested device, which is a setting."""


_HEADS = {
    "id": "Number",
    "name": "Run",
    "dataset": "Dataset",
    "created_at": f"{labels.CREATED} (UTC)",
    "finished_at": f"{labels.ENDED} (UTC)",
    "dataset_setting": "Dataset setting",
    "step": labels.STEP,
    "epoch": labels.EPOCH,
    "total_steps": "Steps in all",
    "parent_id": "Parent",
    "race_id": labels.RACE,
    "interventions": labels.CHANGES,
    "commit": "Code",
}
"""Heads of the columns that are neither settings nor metrics, unless the column's own name does."""


@cache
def column_heads() -> dict[str, str]:
    """Return the head of each column of `flat_row` for people, with the unit of its numbers."""
    settings = {
        name: f"{setting.label} ({setting.unit})" if setting.unit not in ("", name) else setting.label
        for name, setting in SETTINGS.items()
    }
    known = settings | {name: metric.axis_label for name, metric in METRICS.items()} | _HEADS
    return {name: known.get(name, name.replace("_", " ").capitalize()) for name in column_types()}


def find_column(text: str, columns: Container[str]) -> str | None:
    """Return the column of this name or head, with or without its unit: `lr`, `Speed (img/s)`, `duration`."""
    if text in columns:
        return text
    names: dict[str, str] = {}
    for name, head in column_heads().items():
        if name in columns:
            names.setdefault(head.lower(), name)
            names.setdefault(head.partition(" (")[0].lower(), name)
    return names.get(text.lower())


def metric_value(run: Run, name: str) -> float | None:
    """Return the value of one of `METRICS`; None if it was not measured or is not finite."""
    value = getattr(run.progress if hasattr(run.progress, name) else run.results, name)
    return None if value is None or not math.isfinite(value) else value


def flat_row(run: Run) -> dict[str, Cell]:
    """Return all columns of a run: identity, settings, progress and metrics in a fixed order, then the other fields.

    `dataset` is the dataset that the run trained on, `dataset_setting` the setting, such as `auto`.
    """
    settings: dict[str, Any] = dict.fromkeys(SETTING_NAMES) if run.damage else asdict(run.config)
    settings["dataset_setting"] = settings.pop("dataset")
    values = run_values(run, {*NOT_IN_TABLES, "config"})
    cells = settings | {_RENAMED.get(name, name): _cell(name, value) for name, value in values.items()}
    first = (*_IDENTITY, *settings, "step", "epoch", "total_steps", *METRICS)
    return {name: cells[name] for name in first} | cells


def column_types() -> dict[str, type]:
    """Return the type of each column of `flat_row`: str, int, float or bool. Any cell may be None all the same."""
    hints = {name: hint for record in (Run, Progress, Results) for name, hint in get_type_hints(record).items()}
    types = {_RENAMED.get(name, name): _cell_type(name, hint) for name, hint in hints.items()}
    settings = {name: setting.kind for name, setting in SETTINGS.items()}
    return types | settings | {"dataset": types["dataset"], "dataset_setting": settings["dataset"]}


def _cell_type(name: str, hint: Any) -> type:
    if name == "interventions":
        return int
    (kind, *_) = get_args(hint) or (hint,)  # without the None of an optional field
    return kind if kind in (int, float, bool) else str


def _cell(name: str, value: Any) -> Cell:
    match name:
        case "tags":
            return ", ".join(value)
        case "interventions":
            return len(value)
        case "provenance":
            return value.commit if value else None
        case _ if isinstance(value, datetime):
            return value.isoformat()
    cell: Cell = json_value(value)
    return cell
