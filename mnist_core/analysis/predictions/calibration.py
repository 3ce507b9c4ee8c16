"""How far the probabilities of a network can be believed: calibration, and what it gets right if it may abstain.

The confidence of a prediction is the probability of the predicted label. A network is calibrated if 90 % of what it
predicts with a confidence of 0.9 is right. Confidences are read from levels (see `records.probabilities`), so each is
off by at most `records.MAX_CODING_ERROR`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.records import MAX_LEVEL, decode_probabilities

BINS = 15
"""Bins of equal width, as in Guo et al. 2017. They divide the 255 levels evenly, so rounding moves no bin's edge."""

KEPT_SHARES = (1.0, 0.995, 0.99, 0.98, 0.97, 0.95, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5)
"""Shares of the images for which `accuracy_kept` is computed: most of what a good network gains is at the start."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The predictions whose confidence is above `low` and at most `high`; the first bin includes 0."""

    low: float
    high: float
    images: int
    confidence: float | None
    """Mean confidence; None without images."""
    accuracy: float | None
    """Share of the predictions that are right; None without images."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The reliability curve of an evaluation, and the expected calibration error."""

    ece: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """The accuracy on the most certain predictions."""

    share: float
    """Share of the images that are kept, the most certain ones; at least one image is."""
    accuracy: float


def confidence_levels(levels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """Return the level of each predicted label, int64 (N,), from levels (N, 10) and predictions (N,)."""
    return np.take_along_axis(levels, predictions[:, None].astype(np.intp), axis=1)[:, 0].astype(np.int64)


def calibrate(levels: np.ndarray, predictions: np.ndarray, labels: np.ndarray) -> Calibration:
    """Return the reliability curve and the expected calibration error of N images.

    The error is the mean over the images of |accuracy - confidence| of their bin: Guo et al. 2017, "On Calibration of
    Modern Neural Networks", equation 3, https://arxiv.org/abs/1706.04599. `levels` is uint8 (N, 10), `predictions` and
    `labels` uint8 (N,).
    """
    confidences, is_right = confidence_levels(levels, predictions), predictions == labels
    width = MAX_LEVEL // BINS
    numbers = np.maximum((confidences + width - 1) // width - 1, 0)
    images = np.bincount(numbers, minlength=BINS)
    confidence_sums = np.bincount(numbers, decode_probabilities(confidences), BINS)
    right = np.bincount(numbers, is_right, BINS)
    bins = tuple(
        Bin(
            low=number / BINS,
            high=(number + 1) / BINS,
            images=int(images[number]),
            confidence=float(confidence_sums[number] / images[number]) if images[number] else None,
            accuracy=float(right[number] / images[number]) if images[number] else None,
        )
        for number in range(BINS)
    )
    ece = float(np.abs(right - confidence_sums).sum() / max(len(labels), 1))
    return Calibration(ece, bins)


def accuracy_kept(
    levels: np.ndarray, predictions: np.ndarray, labels: np.ndarray, shares: Sequence[float] = KEPT_SHARES
) -> tuple[Kept, ...]:
    """Return the accuracy if the least certain images are set aside, for each share that is kept.

    Where the limit falls among images of the same confidence, as most have that of a trained network, the accuracy is
    the expected one of a random choice among them. Takes the same arrays as `calibrate`; without images, returns none.
    """
    if not len(labels):
        return ()
    confidences, is_right = confidence_levels(levels, predictions), predictions == labels
    found, groups = np.unique(-confidences, return_inverse=True)  # the most certain first
    counts, right = np.bincount(groups), np.bincount(groups, is_right, len(found))
    images_so_far, right_so_far = (np.concatenate([[0], np.cumsum(values)]) for values in (counts, right))
    kept = []
    for share in shares:
        images = max(round(share * len(labels)), 1)
        expected_right = np.interp(images, images_so_far, right_so_far)
        kept.append(Kept(share, float(expected_right / images)))
    return tuple(kept)
