"""A run as one flat row: the columns that exports, filters and sorting use."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from mnist_core.config import TrainConfig
from mnist_core.records import METRICS, NOT_IN_TABLES, Run, json_value, run_values

Cell = str | float | bool | None

SETTING_NAMES = tuple(field.name for field in fields(TrainConfig))

_IDENTITY = ("id", "name", "status", "dataset", "tags", "starred", "archived", "created_at", "finished_at")
_RENAMED = {"device": "device_used", "provenance": "commit"}
"""Columns not named after their field: `device` is the requested device, which is a setting."""


def metric_value(run: Run, name: str) -> float | None:
    """Return the value of one of `METRICS`; None if it was not measured or is not finite."""
    value = getattr(run.progress if hasattr(run.progress, name) else run.results, name)
    return None if value is None or not math.isfinite(value) else value


def flat_row(run: Run) -> dict[str, Cell]:
    """Return all columns of a run: identity, settings, progress and metrics in a fixed order, then the other fields.

    `dataset` is the dataset that the run trained on, `dataset_setting` the setting, such as `auto`.
    """
    settings = asdict(run.config)
    settings["dataset_setting"] = settings.pop("dataset")
    values = run_values(run, {*NOT_IN_TABLES, "config"})
    cells = settings | {_RENAMED.get(name, name): _cell(name, value) for name, value in values.items()}
    first = (*_IDENTITY, *settings, "step", "epoch", "total_steps", *METRICS)
    return {name: cells[name] for name in first} | cells


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
