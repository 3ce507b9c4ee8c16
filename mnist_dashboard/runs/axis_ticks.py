"""Ticks of axes: round values with the digits they need, far enough apart that their labels do not overlap. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from mnist_core.formatting import format_duration
from mnist_core.records import Metric
from mnist_dashboard.ui.formatting import THIN_SPACE

MIN_GAP = 0.06
"""Minimum distance of two ticks, as a share of the axis: two lines of text on an axis of 300 pixels."""

MAX_STEPS = 7
"""Maximum number of steps between ticks."""

ROUND_STEPS = (1, 2, 5, 10)
MULTIPLES = ((1, 2, 5), (1, 3), (1,))
"""Multiples of powers of ten that get a tick on a logarithmic axis: the first choice that fits is taken."""

Tick = tuple[float, str]
"""Place on the axis, from 0 to 1, and label."""


def linear_ticks(low: float, high: float, unit: Metric | None = None) -> list[Tick]:
    """Return about three to eight ticks at round values between `low` and `high`, written in the unit of a metric."""
    if high <= low:
        return [(0.5, _format(low, 0.0, unit))]
    step = _round_step((high - low) / MAX_STEPS, unit)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    values = [number * step for number in range(first, last + 1)]
    return [((value - low) / (high - low), _format(value, step, unit)) for value in values]


def log_ticks(low: float, high: float) -> list[Tick]:
    """Return ticks at round values between two positive numbers, whose places are those of their logarithms."""
    if high <= low:
        return linear_ticks(low, high)
    width = math.log10(high / low)
    for multiples in MULTIPLES:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        values = [multiple * 10.0**power for power in powers for multiple in multiples]
        inside = [value for value in values if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        places = [math.log10(value / low) / width for value in inside]
        if 2 < len(inside) <= MAX_STEPS + 1 and are_apart(places):
            return [(place, f"{value:.3g}") for place, value in zip(places, inside, strict=True)]
    if width < 1:  # less than a power of ten: round values of a linear axis, at their logarithmic places
        values = [low + place * (high - low) for place, _ in linear_ticks(low, high)]
    else:
        powers = range(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        values = [10.0**power for power in powers[:: math.ceil(len(powers) / 6)]]
    return [(math.log10(value / low) / width, f"{value:.4g}") for value in values]


def are_apart(places: Sequence[float]) -> bool:
    """Return whether labels at these places of an axis, in order, do not overlap."""
    return all(after - before >= MIN_GAP for before, after in pairwise(places))


def _round_step(width: float, unit: Metric | None) -> float:
    """Return the smallest round number that is not below `width`."""
    if unit and unit.unit == "seconds":
        steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600)
        return next((step for step in steps if step >= width), 3600 * math.ceil(width / 3600))
    power = 10.0 ** math.floor(math.log10(width))
    return power * next(step for step in ROUND_STEPS if step * power >= width * (1 - 1e-9))


def _format(value: float, step: float, unit: Metric | None) -> str:
    """Write a value with as many decimals as its step has."""
    if unit and unit.unit == "seconds":
        return format_duration(value)
    percent = 100 if unit and unit.unit == "share" else 1
    decimals = max(0, -math.floor(math.log10(step * percent) + 1e-9)) if step else 2
    text = f"{value * percent:,.{decimals}f}".replace(",", THIN_SPACE)
    return f"{text}{THIN_SPACE}%" if percent == 100 else text
