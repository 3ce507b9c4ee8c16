"""How the learning rate moves over a run: a factor to its base value, as a function of the position alone.

Position is measured in epochs, so a run resumed anywhere, or one whose batch size was changed, is where it would be.
"""

from __future__ import annotations

import math

WARM_UP = 0.3
START_FACTOR, END_FACTOR = 1 / 25, 1 / 250_000
"""Of one-cycle: share of the run that the rate rises, and where it begins and ends; the defaults of PyTorch's
`OneCycleLR`, after Smith and Topin 2018. Momentum stays constant here."""


def lr_factor(schedule: str, epochs_done: float, epochs: int, gamma: float) -> float:
    """What the learning rate is multiplied by after `epochs_done` (fractional) of `epochs`.

    `constant` is 1; `step` is `gamma` to the power of whole epochs done; `one-cycle` rises along a cosine from 1/25
    to 1 over the first 30 % of the run, then falls along a cosine to almost nothing.
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
    """From `start` to `end` as `share` goes from 0 to 1, slowly at both ends."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
