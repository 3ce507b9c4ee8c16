"""Is A really better than B? Two runs, or two groups of seeds, by what they got right of the same test images.

One run against one: the images that only one of them gets right decide (exact McNemar test), and how large the
difference is follows from drawing the images anew (bootstrap). That says which of two trained networks is better.
Which *settings* are better takes several seeds of each: then every seed is one measurement (paired t test, or Welch's
where the seeds are not the same ones), and images are not looked at. The tests themselves are in `significance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mnist_core.analysis.seed_groups import seed_group_key, summarize
from mnist_core.analysis.significance import (
    ALPHA,
    MAX_SEEDS,
    WILCOXON_MIN,
    bootstrap_interval,
    mcnemar_test,
    paired_t_test,
    seeds_needed,
    welch_t_test,
    wilcoxon_test,
)
from mnist_core.errors import MnistError
from mnist_core.records import EvalMetrics, Run
from mnist_core.store.queries import Queries

SMALLEST_P = 1e-6
"""That a verdict tells; what is below is said to be."""


class CompareError(MnistError):
    """Runs that cannot be compared, or too few of them."""


@dataclass(frozen=True, slots=True)
class Detail:
    """One number behind a verdict."""

    label: str
    value: str
    help: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """An answer in plain words, and what it rests on."""

    sentence: str
    is_better: str
    """`a`, `b`, or empty when it cannot be told."""
    p_value: float
    difference: float
    """Test accuracy of A less that of B, from -1 to 1."""
    low: float
    high: float
    """The 95 % interval of the difference."""
    seeds_needed: int | None
    """Seeds of each to tell with a chance of 80 %; None of one run against one, or if even 1,000 would not do."""
    details: tuple[Detail, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Side:
    """A or B."""

    name: str
    runs: tuple[Run, ...]
    tests: tuple[EvalMetrics, ...] = field(repr=False)
    """The last test of each run."""

    @property
    def accuracy(self) -> float:
        return sum(test.accuracy for test in self.tests) / len(self.tests)

    def by_seed(self) -> dict[int, float]:
        return {run.config.seed: test.accuracy for run, test in zip(self.runs, self.tests, strict=True)}


def compare_runs(queries: Queries, a_ids: Sequence[int], b_ids: Sequence[int]) -> Verdict:
    """Compare one run with one, or two groups of at least two seeds each.

    Raises `CompareError` when they cannot be: different datasets or test sets, no test result, no group of seeds.
    """
    if set(a_ids) & set(b_ids):
        raise CompareError("A run cannot be compared with itself. Choose two that differ.")
    a, b = _side(queries, a_ids), _side(queries, b_ids)
    labels = _common_labels(queries, [*a.runs, *b.runs])
    warnings = _warnings([*a.runs, *b.runs])
    if len(a.runs) == len(b.runs) == 1:
        return _compare_images(a, b, labels, warnings)
    for side, other in ((a, b), (b, a)):
        if len(side.runs) == 1:
            raise CompareError(
                f"{side.name} is one run and {other.name} several: that is no fair comparison. "
                f"Train {side.name} with more seeds, or compare it with one run."
            )
    return _compare_seeds(a, b, warnings)


# ---------------------------------------------------------------------- what may be compared


def _side(queries: Queries, ids: Sequence[int]) -> _Side:
    if not ids:
        raise CompareError("There is nothing to compare. Choose two runs, or two groups of seeds.")
    runs = tuple(queries.get_run(run_id) for run_id in ids)
    if len({seed_group_key(run) for run in runs}) > 1:
        names = ", ".join(run.name for run in runs)
        raise CompareError(f"{names} differ in more than their seed, so they are no group. Choose runs that do not.")
    if len({run.config.seed for run in runs}) < len(runs):
        raise CompareError(
            f"Two of {', '.join(run.name for run in runs)} have the same seed and so are the same training. "
            "Leave one of them out."
        )
    name = runs[0].name if len(runs) == 1 else f"{runs[0].name} ({len(runs)} seeds)"
    return _Side(name, runs, tuple(_last_test(queries, run) for run in runs))


def _last_test(queries: Queries, run: Run) -> EvalMetrics:
    tests = [one for one in queries.list_evaluations(run.id) if one.split == "test"]
    if not run.status.is_finished or not tests:
        raise CompareError(f"{run.name} is {run.status} and has no final test result. Choose a run that has one.")
    return tests[-1]


def _common_labels(queries: Queries, runs: Sequence[Run]) -> np.ndarray:
    """The labels of the test set that all runs were tested on. Raises `CompareError` if they were not."""
    first = runs[0]
    for run in runs:
        if run.dataset != first.dataset:
            raise CompareError(
                f"{first.name} learned {first.dataset} and {run.name} {run.dataset}: accuracies on different datasets "
                "say nothing about which is better. Choose runs of one dataset."
            )
        if run.provenance is None:
            raise CompareError(
                f"{run.name} was recorded before runs kept which images they were tested on. Train it again."
            )
        if first.provenance and run.provenance.test_checksum != first.provenance.test_checksum:
            raise CompareError(
                f"{first.name} and {run.name} were tested on different images, although both sets are called "
                f"{run.dataset}. Choose runs with the same test set."
            )
    assert first.provenance
    labels = queries.test_labels(first.provenance.test_checksum)
    if labels is None:
        raise CompareError(f"The labels of the images that {first.name} was tested on are missing. Train it again.")
    return labels


def _warnings(runs: Sequence[Run]) -> tuple[str, ...]:
    warnings = []
    unheld = [run.name for run in runs if run.config.validation_fraction == 0]
    if unheld:
        warnings.append(
            f"{_join_names(unheld)} trained without validation images. Whatever was chosen by looking at results was "
            "chosen on the test images, which then flatter it: set a validation fraction, and choose by that."
        )
    early = [run.name for run in runs if run.status != "completed"]
    if early:
        warnings.append(f"{_join_names(early)} did not train to the end.")
    if len({(run.train_images, run.validation_images) for run in runs}) > 1:
        warnings.append("They did not train on equally many images.")
    return tuple(warnings)


def _join_names(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# ---------------------------------------------------------------------- one run against one


def _compare_images(a: _Side, b: _Side, labels: np.ndarray, warnings: tuple[str, ...]) -> Verdict:
    a_right, b_right = a.tests[0].predictions == labels, b.tests[0].predictions == labels
    only_a, only_b = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    p = mcnemar_test(only_a, only_b)
    difference = (only_a - only_b) / len(labels)
    low, high = bootstrap_interval(only_a, only_b, len(labels))
    details = (
        Detail(f"{a.name}, test accuracy", _format_percent(a.accuracy)),
        Detail(f"{b.name}, test accuracy", _format_percent(b.accuracy)),
        Detail("Test images", f"{len(labels):,}", "The same for both, in the same order."),
        Detail(f"Only {a.name} is right", f"{only_a:,}"),
        Detail(f"Only {b.name} is right", f"{only_b:,}"),
        Detail("Both right / both wrong", f"{int((a_right & b_right).sum()):,} / {int((~a_right & ~b_right).sum()):,}"),
        Detail(
            f"{a.name} minus {b.name}, 95 % interval",
            _format_interval(difference, low, high),
            "Bootstrap over the images.",
        ),
        Detail(
            "p", _format_p(p), "Exact McNemar test: how often chance alone makes such a difference, or a larger one."
        ),
    )
    one_seed = (
        "This says which of these two trained networks is better; which settings are takes several seeds of each."
    )
    found = f"of {len(labels):,} test images, a difference of {_winner_interval(difference, low, high, p)}"
    return Verdict(
        _sentence(a, b, difference, p, found),
        *(_winner(difference, p), p, difference, low, high, None, details, (*warnings, one_seed)),
    )


# ---------------------------------------------------------------------- seeds against seeds


def _compare_seeds(a: _Side, b: _Side, warnings: tuple[str, ...]) -> Verdict:
    shared = sorted(a.by_seed().keys() & b.by_seed().keys())
    if len(shared) >= 2:
        of_a, of_b = ([side.by_seed()[seed] for seed in shared] for side in (a, b))
        test = paired_t_test(of_a, of_b)
        if left_out := len(a.runs) + len(b.runs) - 2 * len(shared):
            warnings += (f"Only the {len(shared)} seeds that both have are compared; {left_out} runs are left out.",)
    else:
        of_a, of_b = list(a.by_seed().values()), list(b.by_seed().values())
        test = welch_t_test(of_a, of_b)
    mean_a, mean_b = summarize(of_a), summarize(of_b)
    difference = mean_a.mean - mean_b.mean
    needed = seeds_needed(test.effect)
    details = [
        Detail(
            f"{a.name}, mean test accuracy",
            f"{_format_percent(mean_a.mean)} ± {100 * (mean_a.sd or 0):.2f}",
            "± one sd.",
        ),
        Detail(
            f"{b.name}, mean test accuracy",
            f"{_format_percent(mean_b.mean)} ± {100 * (mean_b.sd or 0):.2f}",
            "± one sd.",
        ),
        Detail("Seeds", f"{len(of_a)} and {len(of_b)}"),
        Detail(f"{a.name} minus {b.name}, 95 % interval", _format_interval(difference, test.low, test.high)),
        Detail(
            "p", _format_p(test.p), f"{test.name}: how often chance alone makes such a difference, or a larger one."
        ),
        Detail(
            "Seeds needed to tell",
            _format_seeds_needed(needed),
            "Of each, for a chance of 80 % if the difference is this.",
        ),
    ]
    if len(shared) >= WILCOXON_MIN:
        p = wilcoxon_test(of_a, of_b)
        details.append(Detail("p, without assuming a normal distribution", _format_p(p), "Wilcoxon signed-rank test."))
    found = f"on average of {len(of_a)} and {len(of_b)} seeds, a difference of "
    found += _winner_interval(difference, test.low, test.high, test.p)
    sentence = _sentence(a, b, difference, test.p, found)
    if test.p >= ALPHA:
        sentence += (
            f" If the true difference is this one, about {_format_seeds_needed(needed)} seeds of each would tell."
        )
    return Verdict(
        sentence,
        *(_winner(difference, test.p), test.p, difference, test.low, test.high, needed, tuple(details), warnings),
    )


# ---------------------------------------------------------------------- in words


def _winner(difference: float, p: float) -> str:
    return "" if p >= ALPHA else "a" if difference > 0 else "b"


def _sentence(a: _Side, b: _Side, difference: float, p: float, found: str) -> str:
    if p >= ALPHA:
        return (
            f"It cannot be told which is better: {a.name} is right about {_format_percent(a.accuracy)} and "
            f"{b.name} about {_format_percent(b.accuracy)} {found}, and {_by_chance(p)}."
        )
    winner, loser = (a, b) if difference > 0 else (b, a)
    return (
        f"{winner.name} is better than {loser.name}: it is right about {_format_percent(winner.accuracy)} against "
        f"{_format_percent(loser.accuracy)} {found}, and {_by_chance(p)}."
    )


def _by_chance(p: float) -> str:
    return f"chance alone makes one as large {_format_odds(p)} (p {'= ' if p >= SMALLEST_P else ''}{_format_p(p)})"


def _format_odds(p: float) -> str:
    if p >= 0.995:
        return "nearly always"
    if p < SMALLEST_P:
        return f"less than once in {1 / SMALLEST_P:,.0f} times"
    return f"{100 * p:.0f} times in 100" if p >= 0.1 else f"once in {1 / p:,.0f} times"


def _format_percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _format_interval(difference: float, low: float, high: float) -> str:
    return f"{100 * difference:+.2f} points ({100 * low:+.2f} to {100 * high:+.2f})"


def _winner_interval(difference: float, low: float, high: float, p: float) -> str:
    """The difference as a sentence has it that names the better one first."""
    return (
        _format_interval(-difference, -high, -low)
        if _winner(difference, p) == "b"
        else _format_interval(difference, low, high)
    )


def _format_p(p: float) -> str:
    return f"{p:.2g}" if p >= SMALLEST_P else f"below {SMALLEST_P:f}"


def _format_seeds_needed(seeds: int | None) -> str:
    return f"more than {MAX_SEEDS:,}" if seeds is None else f"{seeds:,}"
