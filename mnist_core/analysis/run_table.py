"""A run as one flat line: what tables are exported, filtered, sorted and compared by."""

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
    """Label of a metric, the shorter title of its column in the browser's table, and what it is measured in."""

    label: str
    title: str
    unit: Literal["share", "nats", "images/s", "seconds"]
    best: Literal["high", "low"] | None = None
    """Which value wins a comparison; None if the metric says nothing about quality."""


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
"""Everything measured of a run, the result first."""


def metric_value(run: Run, name: str) -> float | None:
    """One of `METRICS`; None when it was not measured, or is no number."""
    value = getattr(run.progress if hasattr(run.progress, name) else run.results, name)
    return None if value is None or not math.isfinite(value) else value


def flat_row(run: Run) -> dict[str, Cell]:
    """Every column of a run in a fixed order: what it is, its settings (the dataset asked for is one), its metrics."""
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
