"""Learning rate schedules: the factor on the base learning rate, as a function of the position in the run.

The position is measured in epochs, so it does not depend on the batch size or on where a run was resumed.
"""

from __future__ import annotations

import math

WARM_UP = 0.3
"""Share of a one-cycle run in which the learning rate rises. This and the factors are the defaults of `OneCycleLR`."""

START_FACTOR, END_FACTOR = 1 / 25, 1 / 250_000
"""Factors at the beginning and end of a one-cycle run."""


def lr_factor(schedule: str, epochs_done: float, epochs: int, gamma: float) -> float:
    """Return the factor on the learning rate after `epochs_done` (fractional) of `epochs`.

    `constant` is 1. `step` is `gamma` to the power of the whole epochs done. `one-cycle` rises along a cosine from
    `START_FACTOR` to 1 during `WARM_UP`, then falls along a cosine to `END_FACTOR` (Smith and Topin 2018; as in
    PyTorch's `OneCycleLR`, but with constant momentum).
    """
    if schedule == "step":
        return float(gamma ** math.floor(epochs_done))
    if schedule == "one-cycle":
        share = epochs_done / epochs
        if share < WARM_UP:
            return _cosine(START_FACTOR, 1.0, share / WARM_UP)
        return _cosine(1.0, END_FACTOR, (share - WARM_UP) / (1 - WARM_UP))
    return 1.0


def _cosine(start: float, end: float, share: float) -> float:
    """Interpolate from `start` to `end` along half a cosine as `share` goes from 0 to 1."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
