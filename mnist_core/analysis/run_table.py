"""A run as one flat row, and the table of metrics: the columns that exports, filters and sorting use."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from typing import Literal

from mnist_core.config import TrainConfig
from mnist_core.records import Run

Cell = str | float | bool | None

SETTING_NAMES = tuple(field.name for field in fields(TrainConfig))


@dataclass(frozen=True, slots=True)
class Metric:
    """Label of a metric, the shorter title of its column in the browser's table, and its unit."""

    label: str
    title: str
    unit: Literal["share", "nats", "images/s", "seconds"]
    best: Literal["high", "low"] | None = None
    """Whether a high or a low value is better; None if the metric does not measure quality."""


METRICS = {
    "test_accuracy": Metric("Test accuracy", "Test accuracy", "share", "high"),
    "test_loss": Metric("Test loss", "Test loss", "nats", "low"),
    "best_validation_accuracy": Metric("Best validation accuracy", "Best validation", "share", "high"),
    "validation_accuracy": Metric("Validation accuracy", "Validation", "share", "high"),
    "loss": Metric("Training loss", "Train loss", "nats", "low"),
    "accuracy": Metric("Training accuracy", "Train accuracy", "share", "high"),
    "examples_per_second": Metric("Images per second", "img/s", "images/s"),
    "elapsed_seconds": Metric("Seconds", "Duration", "seconds"),
}
"""All metrics of a run, results first."""


def metric_value(run: Run, name: str) -> float | None:
    """Return the value of one of `METRICS`; None if it was not measured or is not finite."""
    value = getattr(run.progress if hasattr(run.progress, name) else run.results, name)
    return None if value is None or not math.isfinite(value) else value


def flat_row(run: Run) -> dict[str, Cell]:
    """Return all columns of a run in a fixed order: identity, settings, progress, metrics, origin.

    `dataset` is what the run was trained on, `dataset_setting` what was asked for, such as `auto`.
    """
    settings = asdict(run.config)
    settings["dataset_setting"] = settings.pop("dataset")
    return {
        "id": run.id,
        "name": run.name,
        "status": str(run.status),
        "dataset": run.dataset,
        "tags": ", ".join(run.tags),
        "starred": run.starred,
        "archived": run.archived,
        "created_at": run.created_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        **settings,
        "step": run.progress.step,
        "epoch": run.progress.epoch,
        "total_steps": run.total_steps,
        **{name: metric_value(run, name) for name in METRICS},
        "parent_id": run.parent_id,
        "interventions": len(run.interventions),
        "device_used": run.device,
        "threads": run.threads,
        "commit": run.provenance.commit if run.provenance else None,
        "reason": run.reason,
        "notes": run.notes,
    }
