"""The answer to a comparison and its wording; the statistics behind it are in `compare` and `significance`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mnist_core.analysis.comparability import Side
from mnist_core.analysis.significance import ALPHA, MAX_SEEDS
from mnist_core.formatting import format_percent

SMALLEST_P = 1e-6
"""Smaller p-values are shown as "below 0.000001"."""

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
    p_value: float
    difference: float
    """Test accuracy of A minus that of B, from -1 to 1."""
    low: float
    high: float
    """The 95 % confidence interval of the difference."""
    seeds_needed: int | None
    """Seeds of each side that would detect the difference with a power of 80 %.

    None if one run is compared with one, or if more than `MAX_SEEDS` are needed.
    """
    details: tuple[Detail, ...]
    warnings: tuple[str, ...]


def find_winner(difference: float, p: float) -> Winner:
    """Return which side a significant difference of A minus B favours, else an empty string."""
    if p >= ALPHA:
        return ""
    return "a" if difference > 0 else "b"


def verdict_sentence(a: Side, b: Side, difference: float, p: float, basis: str) -> str:
    """Say which side is better. `basis` follows the accuracies: the images or seeds, and the interval."""
    if p >= ALPHA:
        return (
            f"It cannot be told which is better: {a.name} is right about {format_percent(a.accuracy)} and "
            f"{b.name} about {format_percent(b.accuracy)} {basis}, and {_chance_clause(p)}."
        )
    winner, loser = (a, b) if difference > 0 else (b, a)
    return (
        f"{winner.name} is better than {loser.name}: it is right about {format_percent(winner.accuracy)} against "
        f"{format_percent(loser.accuracy)} {basis}, and {_chance_clause(p)}."
    )


def _chance_clause(p: float) -> str:
    return f"chance alone makes one as large {_format_odds(p)} (p {'= ' if p >= SMALLEST_P else ''}{format_p(p)})"


def _format_odds(p: float) -> str:
    if p >= 0.995:
        return "nearly always"
    if p < SMALLEST_P:
        return f"less than once in {1 / SMALLEST_P:,.0f} times"
    return f"{100 * p:.0f} times in 100" if p >= 0.1 else f"once in {1 / p:,.0f} times"


def format_interval(difference: float, low: float, high: float) -> str:
    """Return a difference of accuracies and its interval in percentage points."""
    return f"{100 * difference:+.2f} points ({100 * low:+.2f} to {100 * high:+.2f})"


def format_winner_interval(difference: float, low: float, high: float, p: float) -> str:
    """Return the interval of winner minus loser, for a sentence that names the winner first."""
    if find_winner(difference, p) == "b":
        return format_interval(-difference, -high, -low)
    return format_interval(difference, low, high)


def format_p(p: float) -> str:
    return f"{p:.2g}" if p >= SMALLEST_P else f"below {SMALLEST_P:f}"


def format_seeds_needed(seeds: int | None) -> str:
    return f"more than {MAX_SEEDS:,}" if seeds is None else f"{seeds:,}"
