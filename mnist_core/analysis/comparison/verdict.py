"""The answer to a comparison and its wording; the statistics behind it are in `compare` and `significance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from mnist_core.analysis.comparison.comparability import Side
from mnist_core.analysis.comparison.power import MAX_SEEDS, SeedsNeeded
from mnist_core.analysis.comparison.significance import ALPHA, MIN_SEEDS
from mnist_core.formatting import format_percent

SMALLEST_IMAGES_P = 1e-6
"""Smaller p-values of the exact test are shown as "below 0.000001"."""

SMALLEST_SEEDS_P = 1e-3
"""Smaller p-values of a t test are shown as "below 0.001": a few seeds do not show that results are so normal."""

SMALL_DIFFERENCE = 0.001
"""Differences of accuracies below this are written with three digits after the point, in percentage points."""

Winner: TypeAlias = Literal["a", "b", ""]


@dataclass(frozen=True, slots=True)
class Detail:
    """One number behind a verdict, as text."""

    label: str
    value: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which side is better, in a sentence, and the numbers behind it."""

    sentence: str
    winner: Winner
    """`a` or `b`; empty if the difference is not significant."""
    p_value: float | None
    """None if there are too few seeds for a test."""
    smallest_p: float
    """Smaller p-values are shown as being below this one."""
    difference: float
    """Test accuracy of A minus that of B, from -1 to 1."""
    low: float | None
    high: float | None
    """The 95 % confidence interval of the difference; None if there are too few seeds."""
    seeds_needed: SeedsNeeded | None
    """Seeds of each side that would detect the difference; None if one run is compared with one, or without a test."""
    details: tuple[Detail, ...]
    warnings: tuple[str, ...]
    is_identical: bool = False
    """Whether the two are the same training with the same results, so that neither can be better."""


def find_winner(difference: float, p: float | None) -> Winner:
    """Return which side a significant difference of A minus B favours, else an empty string."""
    if p is None or p >= ALPHA:
        return ""
    return "a" if difference > 0 else "b"


def verdict_sentence(a: Side, b: Side, p: float, basis: str, smallest_p: float) -> str:
    """Say which side is better. `basis` follows the accuracies: the images or seeds, and the interval."""
    chance = f"chance alone makes one as large {_format_odds(p, smallest_p)} (p {_format_p_equation(p, smallest_p)})"
    if p >= ALPHA:
        return (
            f"It cannot be told which is better: {a.quoted_name} gets {format_percent(a.accuracy)} and {b.quoted_name} "
            f"{format_percent(b.accuracy)} {basis}, and {chance}."
        )
    winner, loser = (a, b) if a.accuracy > b.accuracy else (b, a)
    return (
        f"{winner.quoted_name} is better than {loser.quoted_name}: it gets {format_percent(winner.accuracy)} against "
        f"{format_percent(loser.accuracy)} {basis}, and {chance}."
    )


def too_few_seeds_sentence(a: Side, b: Side) -> str:
    """Say that the sides have too few seeds for a verdict."""
    return (
        f"It takes at least {MIN_SEEDS} seeds of each to tell which is better: {a.quoted_name} gets "
        f"{format_percent(a.accuracy)} and {b.quoted_name} {format_percent(b.accuracy)} of the test images right on "
        "average. Train more seeds."
    )


def seeds_needed_sentence(needed: SeedsNeeded) -> str:
    """Say how many seeds would detect a difference that is not significant."""
    if needed.low is None:
        return f"If the true difference is this one, it takes more than {MAX_SEEDS:,} seeds of each to tell."
    return (
        f"If the true difference is this one, {format_seeds_needed(needed)} new seeds of each would tell. Compare "
        "once, when all are trained: looking again and again makes p too small."
    )


def _format_odds(p: float, smallest_p: float) -> str:
    if p >= 0.995:
        return "always" if p == 1 else "nearly always"
    if p < smallest_p:
        return f"less than once in {1 / smallest_p:,.0f} times"
    return f"{100 * p:.0f} times in 100" if p >= 0.1 else f"once in {1 / p:,.0f} times"


def format_interval(difference: float, low: float, high: float) -> str:
    """Return a difference of accuracies and its interval in percentage points, with more digits if it is small."""
    digits = 2 if max(abs(low), abs(high)) >= SMALL_DIFFERENCE else 3
    points, *limits = (format_difference(share, digits) for share in (difference, low, high))
    return f"{points} points ({limits[0]} to {limits[1]})"


def format_difference(share: float, digits: int = 2) -> str:
    """Return a signed difference of accuracies in percentage points; zero has no minus."""
    return f"{round(100 * share, digits) + 0.0:+.{digits}f}"


def format_winner_interval(difference: float, low: float, high: float, p: float) -> str:
    """Return the interval of winner minus loser, for a sentence that names the winner first."""
    if find_winner(difference, p) == "b":
        return format_interval(-difference, -high, -low)
    return format_interval(difference, low, high)


def format_p(p: float, smallest_p: float) -> str:
    """Return a p-value with two digits, three near `ALPHA`, and no exponent; or the bound that it is below."""
    if p < smallest_p:
        return f"below {smallest_p:f}".rstrip("0")
    precision = 3 if abs(p - ALPHA) < 0.1 * ALPHA else 2
    return np.format_float_positional(p, precision=precision, fractional=False, trim="-")


def _format_p_equation(p: float, smallest_p: float) -> str:
    return f"= {format_p(p, smallest_p)}" if p >= smallest_p else format_p(p, smallest_p)


def format_seeds_needed(needed: SeedsNeeded) -> str:
    """Return the number of seeds and its range: `about 12 (5 to 31)`."""
    most = f"more than {MAX_SEEDS:,}"
    if needed.low is None:
        return most
    seeds_range = f"{needed.low:,} to {most if needed.high is None else format(needed.high, ',')}"
    return seeds_range if needed.count is None else f"about {needed.count:,} ({seeds_range})"
