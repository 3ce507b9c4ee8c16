"""Compare more than two runs, or groups of seeds: each pair as in `compare`, with p-values corrected for their number.

Among many pairs some differ by chance: with 10 equal runs there are 45 pairs, and two of them have p < 0.05.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from mnist_core.analysis.comparison.comparability import (
    CompareError,
    Side,
    comparison_warnings,
    join_names,
    load_side,
    name_groups,
)
from mnist_core.analysis.comparison.compare import compare_sides
from mnist_core.analysis.comparison.significance import MIN_SEEDS, holm
from mnist_core.analysis.comparison.verdict import (
    Verdict,
    Winner,
    find_winner,
    format_difference,
    format_interval,
    format_p,
)
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
    smallest_p: float
    """Smaller corrected p-values are shown as being below this one."""

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
    loaded = name_groups([load_side(queries, side) for side in sides])
    compared = [(a, b, compare_sides(queries, a, b)) for a, b in combinations(loaded, 2)]
    tested = [verdict.p_value for _, _, verdict in compared if verdict.p_value is not None]
    corrected = iter(holm(tested))
    pairs = tuple(
        Pair(
            a.name,
            b.name,
            verdict,
            None if verdict.p_value is None else next(corrected),
            min(1.0, verdict.smallest_p * len(tested)),
        )
        for a, b, verdict in compared
    )
    sentence, best = _find_best(loaded, pairs)
    return MultipleVerdict(sentence, best, pairs, tuple(_notes(loaded, pairs, len(tested))))


def _notes(sides: Sequence[Side], pairs: Sequence[Pair], tests: int) -> Iterator[str]:
    """Yield the notes on the comparison, each once."""
    if tests > 1:
        yield (
            f"{tests} pairs are compared, so each p-value is corrected for that (Holm): among many pairs some differ "
            "by chance."
        )
    few = [side.quoted_name for side in sides if 1 < len(side.runs) < MIN_SEEDS]
    if few:
        yield f"It takes at least {MIN_SEEDS} seeds of each to tell. Train more seeds of {join_names(few)}."
    yield from comparison_warnings([run for side in sides for run in side.runs])
    notes = [(f"{pair.a} against {pair.b}: ", note) for pair in pairs for note in pair.verdict.warnings]
    counts = Counter(note for _, note in notes)
    yield from dict.fromkeys(note if counts[note] == len(pairs) else names + note for names, note in notes)


def pair_row(pair: Pair) -> dict[str, str]:
    """Return the cells of a table of pairs, by column heading."""
    verdict = pair.verdict
    interval = format_difference(verdict.difference)
    if verdict.low is not None and verdict.high is not None:
        interval = format_interval(verdict.difference, verdict.low, verdict.high)
    return {
        "A": pair.a,
        "B": pair.b,
        "A minus B, 95 % interval of this pair alone": interval,
        "p of this pair alone": _format_p(verdict.p_value, verdict.smallest_p),
        "p, corrected": _format_p(pair.corrected_p, pair.smallest_p),
        "Better": _better(pair),
    }


def _better(pair: Pair) -> str:
    undecided = "identical" if pair.verdict.is_identical else "cannot be told"
    return {"a": pair.a, "b": pair.b}.get(pair.winner, undecided)


def _format_p(p: float | None, smallest_p: float) -> str:
    return MISSING if p is None else format_p(p, smallest_p)


def _find_best(sides: Sequence[Side], pairs: Sequence[Pair]) -> tuple[str, str]:
    """Return the sentence and the name of the side that is better than every other, if there is one.

    Identical sides count as one, which has the name of the first. `pairs` are in the order of `itertools.combinations`.
    """
    copies = _identical_sides(len(sides), pairs)
    wins, losses = dict.fromkeys(copies, 0), dict.fromkeys(copies, 0)
    for (a, b), pair in zip(combinations(range(len(sides)), 2), pairs, strict=True):
        if pair.winner and a in copies and b in copies:
            winner, loser = (a, b) if pair.winner == "a" else (b, a)
            wins[winner] += 1
            losses[loser] += 1
    names = {first: join_names([sides[index].quoted_name for index in same]) for first, same in copies.items()}
    if len(copies) == 1:
        return f"Identical: {names[0]} have the same settings, the same seed and the same results, to the last bit.", ""
    for first, won in wins.items():
        if won == len(copies) - 1:
            right = f"{format_percent(sides[first].accuracy)} of the test images right"
            is_one = len(copies[first]) == 1
            subject = f"{names[first]} is" if is_one else f"{names[first]}, which are identical, are"
            better = "it is" if is_one else "they are"
            return (
                f"{subject} the best of these {len(sides)}, with {right}: {better} better than every other.",
                sides[first].name,
            )
    sentence = f"It cannot be told which of these {len(sides)} is best."
    unbeaten = [sides[index].quoted_name for first, lost in losses.items() if not lost for index in copies[first]]
    if len(unbeaten) == len(sides):
        return f"{sentence} No difference is larger than chance makes it.", ""
    if unbeaten:
        return f"{sentence} None is shown to be better than {join_names(unbeaten)}.", ""
    return f"{sentence} Each is worse than another.", ""


def _identical_sides(count: int, pairs: Sequence[Pair]) -> dict[int, list[int]]:
    """Return the indices of all sides, grouped by the first of those that are identical."""
    copies: dict[int, list[int]] = {}
    later: set[int] = set()
    for (a, b), pair in zip(combinations(range(count), 2), pairs, strict=True):
        if pair.verdict.is_identical and a not in later:
            copies.setdefault(a, [a]).append(b)
            later.add(b)
    return {index: copies.get(index, [index]) for index in range(count) if index not in later}
