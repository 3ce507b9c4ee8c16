"""Learning rate schedules: the factor on the base learning rate, as a function of the position in the run.

The position is measured in updates of the current batch size. A batch size that changes during a run changes the
number of updates but hardly the share of the run that is done, so the learning rate does not jump. Does not import
torch.
"""

from __future__ import annotations

import math

WARM_UP = 0.3
"""Share of a one-cycle run in which the learning rate rises. This and the factors are the defaults of `OneCycleLR`."""

START_FACTOR, END_FACTOR = 1 / 25, 1 / 250_000
"""Factors at the beginning and end of a one-cycle run."""


def lr_factor(schedule: str, step: float, *, steps_per_epoch: int, epochs: int, gamma: float) -> float:
    """Return the factor on the learning rate for the update that follows `step` updates.

    `step` is fractional in an epoch in which the batch size changes. `constant` is 1. `step` is `gamma` to the power of
    the whole epochs done, as in PyTorch's `StepLR`. `one-cycle` (Smith and Topin 2018) is that of PyTorch's
    `OneCycleLR` with its defaults, but with constant momentum.
    """
    if schedule == "step":
        return float(gamma ** math.floor(step / steps_per_epoch))
    if schedule == "one-cycle":
        return _one_cycle(step, epochs * steps_per_epoch)
    return 1.0


def _one_cycle(step: float, total_steps: int) -> float:
    """Return the factor of `OneCycleLR`: half a cosine up to 1 at the peak, then half a cosine down at the last update.

    After the last update it keeps its last value. A run of up to three updates has no rise.
    """
    peak, last = WARM_UP * total_steps - 1, total_steps - 1
    if step <= peak:
        return _cosine(START_FACTOR, 1.0, step / peak)
    return _cosine(1.0, END_FACTOR, (min(step, last) - peak) / (last - peak))


def _cosine(start: float, end: float, share: float) -> float:
    """Interpolate from `start` to `end` along half a cosine as `share` goes from 0 to 1."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
