"""Compare two runs, or two groups of seeds, on the same test images: is A really better than B?

Run against run: only the images count that exactly one of the two classifies correctly (exact McNemar test); resampling
the images gives the interval of the difference (bootstrap). That tells which of two trained networks is better.
Group against group: to tell which *settings* are better, each seed is one measurement (paired t test, or Welch's if the
seeds differ), and single images do not count. `significance` has the tests, `comparability` says which runs may be
compared, and `verdict` words the answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mnist_core.analysis.comparability import CompareError, Side, comparison_warnings, load_side, shared_test_labels
from mnist_core.analysis.seed_groups import Summary, summarize
from mnist_core.analysis.significance import (
    ALPHA,
    MIN_WILCOXON_PAIRS,
    bootstrap_interval,
    mcnemar_test,
    paired_t_test,
    seeds_needed,
    welch_t_test,
    wilcoxon_test,
)
from mnist_core.analysis.verdict import (
    Detail,
    Verdict,
    find_winner,
    format_interval,
    format_p,
    format_seeds_needed,
    format_winner_interval,
    verdict_sentence,
)
from mnist_core.formatting import format_percent
from mnist_core.store.queries import Queries


def compare_runs(queries: Queries, a_ids: Sequence[int], b_ids: Sequence[int]) -> Verdict:
    """Compare one run with one, or two groups of at least two seeds each.

    Raises `CompareError` for different datasets or test sets, for a run without a final test result, and for runs that
    are no group of seeds.
    """
    if set(a_ids) & set(b_ids):
        raise CompareError("A run cannot be compared with itself. Choose two that differ.")
    a, b = load_side(queries, a_ids), load_side(queries, b_ids)
    labels = shared_test_labels(queries, [*a.runs, *b.runs])
    warnings = comparison_warnings([*a.runs, *b.runs])
    if len(a.runs) == len(b.runs) == 1:
        return _compare_images(a, b, labels, warnings)
    for side, other in ((a, b), (b, a)):
        if len(side.runs) == 1:
            raise CompareError(
                f"{side.name} is one run and {other.name} several: that is no fair comparison. "
                f"Train {side.name} with more seeds, or compare it with one run."
            )
    return _compare_seeds(a, b, warnings)


def _compare_images(a: Side, b: Side, labels: np.ndarray, warnings: tuple[str, ...]) -> Verdict:
    a_correct, b_correct = a.tests[0].predictions == labels, b.tests[0].predictions == labels
    only_a, only_b = int((a_correct & ~b_correct).sum()), int((b_correct & ~a_correct).sum())
    both, neither = int((a_correct & b_correct).sum()), int((~a_correct & ~b_correct).sum())
    p = mcnemar_test(only_a, only_b)
    difference = (only_a - only_b) / len(labels)
    low, high = bootstrap_interval(only_a, only_b, len(labels))
    interval = format_interval(difference, low, high)
    p_help = "Exact McNemar test: how often chance alone makes such a difference, or a larger one."
    details = (
        Detail(f"{a.name}, test accuracy", format_percent(a.accuracy)),
        Detail(f"{b.name}, test accuracy", format_percent(b.accuracy)),
        Detail("Test images", f"{len(labels):,}", "The same for both, in the same order."),
        Detail(f"Only {a.name} is right", f"{only_a:,}"),
        Detail(f"Only {b.name} is right", f"{only_b:,}"),
        Detail("Both right / both wrong", f"{both:,} / {neither:,}"),
        Detail(f"{a.name} minus {b.name}, 95 % interval", interval, "Bootstrap over the images."),
        Detail("p", format_p(p), p_help),
    )
    one_seed_warning = (
        "This says which of these two trained networks is better. To tell which settings are better, train several "
        "seeds of each."
    )
    basis = f"of {len(labels):,} test images, a difference of {format_winner_interval(difference, low, high, p)}"
    return Verdict(
        sentence=verdict_sentence(a, b, difference, p, basis),
        winner=find_winner(difference, p),
        p_value=p,
        difference=difference,
        low=low,
        high=high,
        seeds_needed=None,
        details=details,
        warnings=(*warnings, one_seed_warning),
    )


def _compare_seeds(a: Side, b: Side, warnings: tuple[str, ...]) -> Verdict:
    a_values, b_values, is_paired = _measurements(a, b)
    test = (paired_t_test if is_paired else welch_t_test)(a_values, b_values)
    if left_out := len(a.runs) + len(b.runs) - len(a_values) - len(b_values):
        warnings += (f"Only the {len(a_values)} seeds that both have are compared; {left_out} runs are left out.",)
    a_summary, b_summary = summarize(a_values), summarize(b_values)
    difference = a_summary.mean - b_summary.mean
    needed = seeds_needed(test.effect)
    p_help = f"{test.name}: how often chance alone makes such a difference, or a larger one."
    needed_help = "Seeds of each that would show this difference with a probability of 80 %."
    details = [
        Detail(f"{a.name}, mean test accuracy", _format_mean(a_summary), "± one sd."),
        Detail(f"{b.name}, mean test accuracy", _format_mean(b_summary), "± one sd."),
        Detail("Seeds", f"{len(a_values)} and {len(b_values)}"),
        Detail(f"{a.name} minus {b.name}, 95 % interval", format_interval(difference, test.low, test.high)),
        Detail("p", format_p(test.p), p_help),
        Detail("Seeds needed to tell", format_seeds_needed(needed), needed_help),
    ]
    if is_paired and len(a_values) >= MIN_WILCOXON_PAIRS:
        p = wilcoxon_test(a_values, b_values)
        details.append(Detail("p, without assuming a normal distribution", format_p(p), "Wilcoxon signed-rank test."))
    interval = format_winner_interval(difference, test.low, test.high, test.p)
    basis = f"on average of {len(a_values)} and {len(b_values)} seeds, a difference of {interval}"
    sentence = verdict_sentence(a, b, difference, test.p, basis)
    if test.p >= ALPHA:
        sentence += (
            f" If the true difference is this one, about {format_seeds_needed(needed)} seeds of each would tell."
        )
    return Verdict(
        sentence=sentence,
        winner=find_winner(difference, test.p),
        p_value=test.p,
        difference=difference,
        low=test.low,
        high=test.high,
        seeds_needed=needed,
        details=tuple(details),
        warnings=warnings,
    )


def _measurements(a: Side, b: Side) -> tuple[list[float], list[float], bool]:
    """Return the test accuracies of A and of B, and whether they are pairs: of the seeds that both have, at least 2."""
    a_by_seed, b_by_seed = a.accuracy_by_seed(), b.accuracy_by_seed()
    shared_seeds = sorted(a_by_seed.keys() & b_by_seed.keys())
    if len(shared_seeds) >= 2:
        return [a_by_seed[seed] for seed in shared_seeds], [b_by_seed[seed] for seed in shared_seeds], True
    return list(a_by_seed.values()), list(b_by_seed.values()), False


def _format_mean(summary: Summary) -> str:
    return f"{format_percent(summary.mean)} ± {100 * (summary.sd or 0):.2f}"
