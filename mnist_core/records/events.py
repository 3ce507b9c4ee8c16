"""What training yields: one record for each batch, and one for each evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

Confusion = tuple[tuple[int, ...], ...]
"""10 rows of 10 counts: rows are true digits, columns are predictions."""


@dataclass(frozen=True, slots=True)
class StepMetrics:
    """Metrics of one update, which trains on one batch. Loss and accuracy are measured before the update."""

    step: int
    """Number of completed updates, including this one; the first is 1."""
    epoch: int
    """1-based."""
    loss: float
    """Mean negative log-likelihood over the batch, in nats."""
    accuracy: float
    lr: float
    momentum: float
    examples_per_second: float
    """Images of this batch divided by the time of its update."""
    elapsed_seconds: float
    """Time spent on training and evaluation so far, without the time the consumer took between events."""
    confusion: Confusion


@dataclass(frozen=True, slots=True)
class EvalMetrics:
    """Metrics of one evaluation on a held-out split, after `step` updates."""

    step: int
    epoch: int
    split: str
    """`validation` (to choose settings by) or `test` (for the record)."""
    loss: float
    accuracy: float
    confusion: Confusion
    predictions: np.ndarray
    """uint8, one predicted digit per image, in the order of the split."""
    elapsed_seconds: float
    probabilities: np.ndarray | None = field(default=None, repr=False)
    """Levels (see `probabilities`), uint8 (N, 10), in the order of the split.

    None where they were not read from the store, or were not kept: earlier versions kept predicted labels alone.
    """


Event = StepMetrics | EvalMetrics


def matches_labels(evaluation: EvalMetrics, labels: np.ndarray) -> bool:
    """Whether accuracy and confusion matrix of a test evaluation are those of its predictions for `labels` (uint8).

    A matrix of zeros was not recorded, and not checked.
    """
    if len(evaluation.predictions) != len(labels) or not len(labels) or labels.max() > 9:
        return False
    if evaluation.predictions.max() > 9 or not _is_share(evaluation.predictions == labels, evaluation.accuracy):
        return False
    counts = np.bincount(10 * labels.astype(np.int64) + evaluation.predictions, minlength=100)
    recorded = np.array(evaluation.confusion).ravel()
    return not recorded.any() or bool((counts == recorded).all())


def _is_share(is_right: np.ndarray, accuracy: float) -> bool:
    return abs(float(is_right.mean()) - accuracy) <= ROUNDING


ROUNDING = 1e-6
"""Largest difference between an accuracy and the share of right predictions: it may have been rounded to float32."""
