"""What is measured about a run: its results, its progress, and how each number is named, formatted and compared."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from mnist_core import labels
from mnist_core.records.events import Confusion

LIVE_BATCHES = 100
"""Number of latest training batches that the live confusion matrix sums."""

Unit = Literal["share", "nats", "images/s", "seconds"]


@dataclass(frozen=True, slots=True)
class Metric:
    """How a measured number of a run is named, formatted and compared."""

    label: str
    title: str
    """Column heading in the browser's table; shorter than the label."""
    unit: Unit
    best: Literal["high", "low"] | None = None
    """Which value wins a comparison; None if the metric does not measure quality."""
    images: Literal["test_images", "validation_images"] | None = None
    """Field of the run with the number of images of which the metric is a share; None if it is not such a share."""

    @property
    def axis_label(self) -> str:
        """Label for plain numbers, which do not show their unit."""
        return f"{self.label} (s)" if self.unit == "seconds" else self.label


def _metric(label: str, unit: Unit, title: str = "", *, default: Any = None, **extra: Any) -> Any:
    """Return a dataclass field whose metadata hold its `Metric`; its title is the label unless one is given."""
    return field(default=default, metadata={"metric": Metric(label, title or label, unit, **extra)})


@dataclass(frozen=True, slots=True)
class Results:
    """Results of the evaluations so far."""

    test_accuracy: float | None = _metric(labels.TEST_ACCURACY, "share", best="high", images="test_images")
    test_loss: float | None = _metric(labels.TEST_LOSS, "nats", best="low")
    best_validation_accuracy: float | None = _metric(
        labels.BEST_VALIDATION_ACCURACY, "share", labels.BEST_VALIDATION, best="high", images="validation_images"
    )
    validation_accuracy: float | None = _metric(
        labels.VALIDATION_ACCURACY, "share", labels.VALIDATION, best="high", images="validation_images"
    )
    """At the latest evaluation."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The latest numbers of a run, stored with it so that lists need not read its steps."""

    step: int = 0
    epoch: int = 0
    loss: float | None = _metric(labels.TRAIN_LOSS_LAST_BATCH, "nats", best="low")
    accuracy: float | None = _metric(labels.TRAIN_ACCURACY_LAST_BATCH, "share", best="high")
    examples_per_second: float | None = _metric(labels.SPEED_WITH_UNIT, "images/s")
    elapsed_seconds: float = _metric(labels.DURATION, "seconds", default=0.0)
    live_confusion: Confusion | None = None
    """Sum over the last `LIVE_BATCHES` training batches."""


METRICS: dict[str, Metric] = {
    record_field.name: record_field.metadata["metric"]
    for record in (Results, Progress)
    for record_field in fields(record)
    if "metric" in record_field.metadata
}
"""All metrics of a run, results first."""
