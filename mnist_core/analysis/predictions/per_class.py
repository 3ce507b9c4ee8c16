"""Precision, recall, F1 and the commonest confusion of each class, from a confusion matrix.

Equal to scikit-learn's `precision_recall_fscore_support` over all ten classes with `zero_division=0`: a class without
predictions has precision 0, one without images recall 0, and both count in the macro average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class ClassReport:
    """How one class is classified. All shares are from 0 to 1."""

    label: int
    precision: float
    """Share of the images predicted as this class that are of this class."""
    recall: float
    """Share of the images of this class that are predicted as this class."""
    f1: float
    """Harmonic mean of precision and recall."""
    support: int
    """Images of this class."""
    confused_with: int | None
    """The wrong class that most images of this class are taken for, the smaller of two; None if none is wrong."""
    confused: int
    """How many images of this class are taken for `confused_with`."""


@dataclass(frozen=True, slots=True)
class Averages:
    """Means over the classes."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, slots=True)
class PerClassReport:
    """All ten classes, and their means: `macro` counts every class the same, `weighted` by its images."""

    classes: tuple[ClassReport, ...]
    macro: Averages
    weighted: Averages


def count_confusion(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the counts (10, 10) of labels against predictions, both uint8 (N,): rows are true labels."""
    pairs = 10 * labels.astype(np.int64) + predictions
    return np.bincount(pairs, minlength=100).reshape(10, 10)


def report_classes(confusion: np.ndarray) -> PerClassReport:
    """Return the report of a confusion matrix, int (10, 10), whose rows are true labels."""
    right, support, predicted = np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    precision, recall = _divide(right, predicted), _divide(right, support)
    f1 = _divide(2 * right, support + predicted)
    wrong = confusion - np.diag(right)
    commonest = wrong.argmax(axis=1)
    classes = tuple(
        ClassReport(
            label=label,
            precision=float(precision[label]),
            recall=float(recall[label]),
            f1=float(f1[label]),
            support=int(support[label]),
            confused_with=int(commonest[label]) if wrong[label].any() else None,
            confused=int(wrong[label, commonest[label]]),
        )
        for label in range(len(confusion))
    )
    shares = support / support.sum() if support.any() else np.zeros(len(confusion))
    weighted, macro = (
        Averages(*(float((values * weights).sum()) for values in (precision, recall, f1)))
        for weights in (shares, np.full(len(confusion), 1 / len(confusion)))
    )
    return PerClassReport(classes, macro, weighted)


def _divide(counts: np.ndarray, totals: np.ndarray) -> np.ndarray:
    """Return the quotients, 0 where the total is 0."""
    quotients = np.zeros(len(totals))
    np.divide(counts, totals, out=quotients, where=totals > 0)
    return quotients
