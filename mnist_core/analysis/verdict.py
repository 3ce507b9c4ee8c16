"""The answer to a comparison and its wording; the statistics behind it are in `compare` and `significance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from mnist_core.analysis.comparability import Side
from mnist_core.analysis.power import MAX_SEEDS, SeedsNeeded
from mnist_core.analysis.significance import ALPHA, MIN_SEEDS
from mnist_core.formatting import format_percent

SMALLEST_IMAGES_P = 1e-6
"""Smaller p-values of the exact test are shown as "below 0.000001"."""

SMALLEST_SEEDS_P = 1e-3
"""Smaller p-values of a t test are shown as "below 0.001": a few seeds do not show that results are so normal."""

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
            f"It cannot be told which is better: {a.name} is right about {format_percent(a.accuracy)} and "
            f"{b.name} about {format_percent(b.accuracy)} {basis}, and {chance}."
        )
    winner, loser = (a, b) if a.accuracy > b.accuracy else (b, a)
    return (
        f"{winner.name} is better than {loser.name}: it is right about {format_percent(winner.accuracy)} against "
        f"{format_percent(loser.accuracy)} {basis}, and {chance}."
    )


def too_few_seeds_sentence(a: Side, b: Side) -> str:
    """Say that the sides have too few seeds for a verdict."""
    return (
        f"It takes at least {MIN_SEEDS} seeds of each to tell which is better: {a.name} is right about "
        f"{format_percent(a.accuracy)} and {b.name} about {format_percent(b.accuracy)} on average of {len(a.runs)} and "
        f"{len(b.runs)} seeds. Train more seeds."
    )


def seeds_needed_sentence(needed: SeedsNeeded, fewest_runs: int) -> str:
    """Say how many seeds would detect the difference; `fewest_runs` is the number of seeds of the smaller side."""
    if needed.count is None:
        return f"If the true difference is this one, it takes {format_seeds_needed(needed)} seeds of each to tell."
    return (
        f"If the true difference is this one, about {needed.count:,} seeds of each would tell "
        f"({_format_seeds_range(needed)}, because {fewest_runs} seeds measure their spread only roughly)."
    )


def _format_odds(p: float, smallest_p: float) -> str:
    if p >= 0.995:
        return "nearly always"
    if p < smallest_p:
        return f"less than once in {1 / smallest_p:,.0f} times"
    return f"{100 * p:.0f} times in 100" if p >= 0.1 else f"once in {1 / p:,.0f} times"


def format_interval(difference: float, low: float, high: float) -> str:
    """Return a difference of accuracies and its interval in percentage points."""
    return f"{format_points(difference)} points ({format_points(low)} to {format_points(high)})"


def format_points(share: float) -> str:
    """Return a signed difference of shares in percentage points; zero has no minus."""
    return f"{100 * share + 0.0:+.2f}"


def format_winner_interval(difference: float, low: float, high: float, p: float) -> str:
    """Return the interval of winner minus loser, for a sentence that names the winner first."""
    if find_winner(difference, p) == "b":
        return format_interval(-difference, -high, -low)
    return format_interval(difference, low, high)


def format_p(p: float, smallest_p: float) -> str:
    """Return a p-value with two digits, never in scientific notation, or the bound that it is below."""
    if p < smallest_p:
        return f"below {smallest_p:f}".rstrip("0")
    return np.format_float_positional(p, precision=2, fractional=False, trim="-")


def _format_p_equation(p: float, smallest_p: float) -> str:
    return f"= {format_p(p, smallest_p)}" if p >= smallest_p else format_p(p, smallest_p)


def format_seeds_needed(needed: SeedsNeeded) -> str:
    """Return the number of seeds and its range: `about 12 (5 to 31)`."""
    if needed.count is None:
        return f"more than {MAX_SEEDS:,}"
    return f"about {needed.count:,} ({_format_seeds_range(needed)})"


def _format_seeds_range(needed: SeedsNeeded) -> str:
    high = f"more than {MAX_SEEDS:,}" if needed.high is None else f"{needed.high:,}"
    return f"{needed.low:,} to {high}"
