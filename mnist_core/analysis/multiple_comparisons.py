"""Compare more than two runs, or groups of seeds: each pair as in `compare`, with p-values corrected for their number.

Among many pairs some differ by chance: with 10 equal runs there are 45 pairs, and two of them have p < 0.05.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from mnist_core.analysis.comparability import CompareError, Side, comparison_warnings, join_names, load_side
from mnist_core.analysis.compare import compare_sides
from mnist_core.analysis.significance import holm
from mnist_core.analysis.verdict import Verdict, Winner, find_winner, format_interval, format_p, format_points
from mnist_core.formatting import MISSING, format_percent
from mnist_core.store.queries import Queries

MAX_SIDES = 10
"""Maximum number of runs, or of groups of seeds, that are compared at once."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two of the sides, and the verdict on them."""

    a: str
    b: str
    """Names of the two sides."""
    verdict: Verdict
    """As if only these two had been compared."""
    corrected_p: float | None
    """p-value corrected for the number of pairs (Holm); None if there are too few seeds for a test."""

    @property
    def winner(self) -> Winner:
        return find_winner(self.verdict.difference, self.corrected_p)


@dataclass(frozen=True, slots=True)
class MultipleVerdict:
    """Which of several sides is the best, in a sentence, and the verdict on each pair."""

    sentence: str
    best: str
    """Name of the side that is better than every other; empty if there is none."""
    pairs: tuple[Pair, ...]
    warnings: tuple[str, ...]


def compare_several(queries: Queries, sides: Sequence[Sequence[int]]) -> MultipleVerdict:
    """Compare each two of at least three sides, given as ids of runs: single runs, or groups of seeds.

    Raises `CompareError` as `compare_runs` does for any two of them, and for more than `MAX_SIDES`.
    """
    if len(sides) > MAX_SIDES:
        raise CompareError(f"At most {MAX_SIDES} runs or groups of seeds can be compared at once, got {len(sides)}.")
    if len({run_id for side in sides for run_id in side}) < sum(len(side) for side in sides):
        raise CompareError("A run cannot be compared with itself. Choose runs that differ.")
    loaded = [load_side(queries, side) for side in sides]
    compared = [(a, b, compare_sides(queries, a, b)) for a, b in combinations(loaded, 2)]
    tested = [verdict.p_value for _, _, verdict in compared if verdict.p_value is not None]
    corrected = iter(holm(tested))
    pairs = tuple(
        Pair(a.name, b.name, verdict, None if verdict.p_value is None else next(corrected))
        for a, b, verdict in compared
    )
    sentence, best = _find_best(loaded, pairs)
    correction = (
        f"{len(tested)} pairs are compared, so each p-value is corrected for that (Holm): among many pairs some differ "
        "by chance."
    )
    all_runs = [run for side in loaded for run in side.runs]
    warnings = dict.fromkeys(
        [correction, *comparison_warnings(all_runs), *(text for pair in pairs for text in pair.verdict.warnings)]
    )
    return MultipleVerdict(sentence, best, pairs, tuple(warnings))


def pair_row(pair: Pair) -> dict[str, str]:
    """Return the cells of a table of pairs, by column heading."""
    verdict = pair.verdict
    interval = format_points(verdict.difference)
    if verdict.low is not None and verdict.high is not None:
        interval = format_interval(verdict.difference, verdict.low, verdict.high)
    return {
        "A": pair.a,
        "B": pair.b,
        "A minus B, 95 % interval of this pair alone": interval,
        "p of this pair alone": _format_p(verdict.p_value, verdict.smallest_p),
        "p, corrected": _format_p(pair.corrected_p, verdict.smallest_p),
        "Better": {"a": pair.a, "b": pair.b}.get(pair.winner, "cannot be told"),
    }


def _format_p(p: float | None, smallest_p: float) -> str:
    return MISSING if p is None else format_p(p, smallest_p)


def _find_best(sides: Sequence[Side], pairs: Sequence[Pair]) -> tuple[str, str]:
    """Return the sentence and the name of the side that is better than every other, if there is one.

    `pairs` are in the order of `itertools.combinations`.
    """
    top = max(sides, key=lambda side: side.accuracy)
    rivals = [
        b.name if a is top else a.name
        for (a, b), pair in zip(combinations(sides, 2), pairs, strict=True)
        if (a is top and pair.winner != "a") or (b is top and pair.winner != "b")
    ]
    accuracy = f"{format_percent(top.accuracy)} of the test images right"
    if not rivals:
        return (
            f"{top.name} is the best of these {len(sides)}, with {accuracy}: it is better than each other one.",
            top.name,
        )
    return (
        f"It cannot be told which of these {len(sides)} is best: {top.name} leads with {accuracy}, but it cannot be "
        f"told that it is better than {join_names(rivals)}.",
        "",
    )
