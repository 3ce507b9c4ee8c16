"""How the ten probabilities of each image of an evaluation are kept: as levels of one byte each.

A level is `round(255 * p)`, so the coding error is at most `MAX_CODING_ERROR`. 10,000 images take 100,000 bytes before
compression, which makes it less for all but an untrained network. An image for which the network computed no number
has only zeros.
"""

from __future__ import annotations

import numpy as np

MAX_LEVEL = 255
"""The level of the probability 1."""

MAX_CODING_ERROR = 0.5 / MAX_LEVEL
"""Largest difference between a probability and `decode_probabilities` of its level: 0.00196."""


def encode_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Return the levels, uint8, of probabilities of any shape; that of NaN is 0. The engine does so on its device."""
    levels: np.ndarray = np.round(MAX_LEVEL * np.nan_to_num(probabilities, nan=0.0)).astype(np.uint8)
    return levels


def decode_probabilities(levels: np.ndarray) -> np.ndarray:
    """Return the probabilities, float64, that levels stand for, up to `MAX_CODING_ERROR`."""
    return levels / MAX_LEVEL


def check_levels(levels: np.ndarray, predictions: np.ndarray) -> None:
    """Raise `ValueError` unless levels (N, 10) can be those of an evaluation with these predicted labels (N,).

    Rounding moves each of the ten by at most half a level, so their sum is off by at most 5, and the predicted label
    has the highest level or, after inexact arithmetic, the one below it.
    """
    if levels.dtype != np.uint8 or levels.shape != (len(predictions), 10):
        raise ValueError(f"probabilities of shape {levels.shape} for {len(predictions):,} images")
    sums = levels.sum(axis=1, dtype=np.int64)
    if not ((np.abs(sums - MAX_LEVEL) <= 5) | (sums == 0)).all():
        raise ValueError("the probabilities of an image do not add up to 1")
    predicted = np.take_along_axis(levels, predictions[:, None].astype(np.intp), axis=1)[:, 0]
    if (predicted.astype(np.int64) < levels.max(axis=1, initial=0).astype(np.int64) - 1).any():
        raise ValueError("a predicted label is not that of the highest probability")
