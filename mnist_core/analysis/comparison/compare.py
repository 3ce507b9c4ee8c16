"""Compare two runs, or two groups of seeds, on the same test images: is A really better than B?

Run against run: only the images count that exactly one of the two classifies correctly (exact McNemar test, and the
score interval of the difference). That tells which of two trained networks is better. Group against group: to tell
which *settings* are better, each seed is one measurement, in images (paired t test, or Welch's if the seeds differ).
`significance` has the tests, `comparability` says which runs may be compared, `verdict` words the answer, and
`multiple_comparisons` compares more than two.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from mnist_core.analysis.comparison.comparability import (
    CompareError,
    Side,
    comparison_warnings,
    is_repeat,
    load_side,
    name_groups,
    shared_test_labels,
)
from mnist_core.analysis.comparison.power import SeedsNeeded, seeds_needed
from mnist_core.analysis.comparison.significance import (
    ALPHA,
    MIN_SEEDS,
    MIN_WILCOXON_PAIRS,
    mcnemar_test,
    paired_t_test,
    score_interval,
    welch_t_test,
    wilcoxon_test,
)
from mnist_core.analysis.comparison.verdict import (
    SMALLEST_IMAGES_P,
    SMALLEST_SEEDS_P,
    Detail,
    Verdict,
    find_winner,
    format_interval,
    format_p,
    format_seeds_needed,
    format_winner_interval,
    seeds_needed_sentence,
    too_few_seeds_sentence,
    verdict_sentence,
)
from mnist_core.analysis.reproducibility import describe_repeat
from mnist_core.analysis.seed_groups import Summary, summarize
from mnist_core.formatting import format_percent
from mnist_core.store.queries import Queries

P_HELP = "Too small if the two were chosen by their results."

PAIRED_SHARE = 0.75
"""Minimum share of the larger side's seeds that both sides have, for a paired test.

A paired test over a share s of the runs is more precise than Welch's test over all of them only if results of the same
seed correlate by more than 1 - s: here, by more than 0.25.
"""


def compare_runs(queries: Queries, a_ids: Sequence[int], b_ids: Sequence[int]) -> Verdict:
    """Compare one run with one, or two groups of seeds.

    Raises `CompareError` for different datasets or test sets, for a run without a final test result, and for runs that
    are not a group of seeds.
    """
    if set(a_ids) & set(b_ids):
        raise CompareError("A run cannot be compared with itself. Choose two that differ.")
    a, b = name_groups([load_side(queries, a_ids), load_side(queries, b_ids)])
    verdict = compare_sides(queries, a, b)
    return replace(verdict, warnings=(*comparison_warnings([*a.runs, *b.runs]), *verdict.warnings))


def compare_sides(queries: Queries, a: Side, b: Side) -> Verdict:
    """Compare two sides that share no run, without the warnings about single runs. Raises as `compare_runs` does."""
    labels = shared_test_labels(queries, [*a.runs, *b.runs])
    if len(a.runs) == len(b.runs) == 1:
        verdict = _compare_images(a, b, labels)
        return _judge_repeat(queries, a, b, verdict) if is_repeat(a.runs[0], b.runs[0]) else verdict
    for side, other in ((a, b), (b, a)):
        if len(side.runs) == 1:
            raise CompareError(
                f"{side.name} is one run and {other.quoted_name} several: that is no fair comparison. "
                f"Train {side.name} with more seeds, or compare it with one run."
            )
    return _compare_seeds(a, b, labels)


def _judge_repeat(queries: Queries, a: Side, b: Side, verdict: Verdict) -> Verdict:
    """Say whether two runs with the same settings and seed are identical; if not, first why that can be."""
    is_identical, sentence = describe_repeat(queries, a.runs[0], b.runs[0])
    if is_identical:
        return replace(
            verdict,
            sentence=sentence,
            winner="",
            p_value=None,
            is_identical=True,
            details=verdict.details[:3],
            warnings=(),
        )
    return replace(verdict, sentence=f"{sentence} {verdict.sentence}", warnings=())


def _compare_images(a: Side, b: Side, labels: np.ndarray) -> Verdict:
    a_correct, b_correct = a.tests[0].predictions == labels, b.tests[0].predictions == labels
    only_a, only_b = int((a_correct & ~b_correct).sum()), int((b_correct & ~a_correct).sum())
    both, neither = int((a_correct & b_correct).sum()), int((~a_correct & ~b_correct).sum())
    p = mcnemar_test(only_a, only_b)
    difference = (only_a - only_b) / len(labels)
    low, high = score_interval(only_a, only_b, len(labels))
    details = (
        Detail(f"{a.name}, test accuracy", format_percent(a.accuracy)),
        Detail(f"{b.name}, test accuracy", format_percent(b.accuracy)),
        Detail("Test images", f"{len(labels):,}", "The same for both, in the same order."),
        Detail(f"Only {a.name} is right", f"{only_a:,}"),
        Detail(f"Only {b.name} is right", f"{only_b:,}"),
        Detail("Both right / both wrong", f"{both:,} / {neither:,}"),
        Detail(
            f"{a.name} minus {b.name}, 95 % interval",
            format_interval(difference, low, high),
            "Tango's score interval for the same images.",
        ),
        Detail("p", format_p(p, SMALLEST_IMAGES_P), f"Exact McNemar test. {P_HELP}"),
    )
    one_seed_warning = (
        "This says which of these trained networks is better. To tell which settings are better, train several "
        "seeds of each."
    )
    interval = format_winner_interval(difference, low, high, p)
    basis = f"of {len(labels):,} test images right, a difference of {interval}"
    return Verdict(
        sentence=verdict_sentence(a, b, p, basis, SMALLEST_IMAGES_P),
        winner=find_winner(difference, p),
        p_value=p,
        smallest_p=SMALLEST_IMAGES_P,
        difference=difference,
        low=low,
        high=high,
        seeds_needed=None,
        details=details,
        warnings=(one_seed_warning,),
    )


def _compare_seeds(a: Side, b: Side, labels: np.ndarray) -> Verdict:
    a_counts, b_counts = _correct_by_seed(a, labels), _correct_by_seed(b, labels)
    if min(len(a_counts), len(b_counts)) < MIN_SEEDS:
        return _too_few_seeds(a, b, list(a_counts.values()), list(b_counts.values()), len(labels))
    seeds, is_paired = _choose_seeds(a_counts, b_counts)
    a_values, b_values = [a_counts[seed] for seed in seeds[0]], [b_counts[seed] for seed in seeds[1]]
    test = (paired_t_test if is_paired else welch_t_test)(a_values, b_values, resolution=1)
    low, high = max(test.low / len(labels), -1.0), min(test.high / len(labels), 1.0)
    difference = float(np.mean(a_values) - np.mean(b_values)) / len(labels)
    needed = seeds_needed(test)
    details = [
        *_accuracy_details(a, b, a_values, b_values, len(labels)),
        Detail(
            f"{a.quoted_name} minus {b.quoted_name}, 95 % interval",
            format_interval(difference, low, high),
            f"{test.name}.",
        ),
        Detail("p", format_p(test.p, SMALLEST_SEEDS_P), f"{test.name}. {P_HELP}"),
        _seeds_needed_detail(needed, min(map(len, seeds))),
        *(_wilcoxon_details(a_values, b_values) if is_paired else ()),
    ]
    interval = format_winner_interval(difference, low, high, test.p)
    basis = f"of the test images right on average of {_format_counts(seeds)} seeds, a difference of {interval}"
    sentence = verdict_sentence(a.only(seeds[0]), b.only(seeds[1]), test.p, basis, SMALLEST_SEEDS_P)
    if test.p >= ALPHA and difference:
        sentence += f" {seeds_needed_sentence(needed)}"
    return Verdict(
        sentence=sentence,
        winner=find_winner(difference, test.p),
        p_value=test.p,
        smallest_p=SMALLEST_SEEDS_P,
        difference=difference,
        low=low,
        high=high,
        seeds_needed=needed,
        details=tuple(details),
        warnings=_left_out_warnings(len(a_counts) + len(b_counts), seeds),
    )


def _choose_seeds(a_seeds: Collection[int], b_seeds: Collection[int]) -> tuple[tuple[list[int], list[int]], bool]:
    """Return the seeds of A and of B to compare, and whether they are pairs: the shared seeds if they are enough."""
    shared = sorted(set(a_seeds) & set(b_seeds))
    if len(shared) >= max(MIN_SEEDS, PAIRED_SHARE * max(len(a_seeds), len(b_seeds))):
        return (shared, shared), True
    return (list(a_seeds), list(b_seeds)), False


def _left_out_warnings(count: int, seeds: tuple[list[int], list[int]]) -> tuple[str, ...]:
    """Return a warning if only some of `count` runs are compared, those with the seeds that both sides have."""
    left_out = count - len(seeds[0]) - len(seeds[1])
    if not left_out:
        return ()
    runs = "run is" if left_out == 1 else "runs are"
    return (f"Only the {len(seeds[0])} seeds that both have are compared; {left_out} {runs} left out.",)


def _seeds_needed_detail(needed: SeedsNeeded, seeds: int) -> Detail:
    help_text = f"For a probability of 80 %; in brackets, what {seeds} seeds leave open."
    return Detail("Seeds needed to show it", format_seeds_needed(needed), help_text)


def _wilcoxon_details(a_values: Sequence[int], b_values: Sequence[int]) -> tuple[Detail, ...]:
    """Return the p-value of the Wilcoxon test, if there are enough pairs for it."""
    if len(a_values) < MIN_WILCOXON_PAIRS:
        return ()
    p = format_p(wilcoxon_test(a_values, b_values), SMALLEST_SEEDS_P)
    return (Detail("p, without assuming a normal distribution", p, "Wilcoxon signed-rank test."),)


def _format_counts(seeds: tuple[list[int], list[int]]) -> str:
    counts = [len(side) for side in seeds]
    return f"{counts[0]}" if counts[0] == counts[1] else f"{counts[0]} and {counts[1]}"


def _too_few_seeds(a: Side, b: Side, a_values: list[int], b_values: list[int], images: int) -> Verdict:
    return Verdict(
        sentence=too_few_seeds_sentence(a, b),
        winner="",
        p_value=None,
        smallest_p=SMALLEST_SEEDS_P,
        difference=a.accuracy - b.accuracy,
        low=None,
        high=None,
        seeds_needed=None,
        details=tuple(_accuracy_details(a, b, a_values, b_values, images)),
        warnings=(),
    )


def _correct_by_seed(side: Side, labels: np.ndarray) -> dict[int, int]:
    """Return the number of correctly classified test images of each seed: unlike accuracies, they add up exactly."""
    return {
        run.config.seed: int((test.predictions == labels).sum())
        for run, test in zip(side.runs, side.tests, strict=True)
    }


def _accuracy_details(
    a: Side, b: Side, a_values: Sequence[int], b_values: Sequence[int], images: int
) -> tuple[Detail, ...]:
    means = [_format_mean(summarize([value / images for value in values])) for values in (a_values, b_values)]
    return (
        Detail(f"{a.quoted_name}, mean test accuracy", means[0], "± one sd."),
        Detail(f"{b.quoted_name}, mean test accuracy", means[1], "± one sd."),
        Detail("Seeds", f"{len(a_values)} and {len(b_values)}"),
        Detail("Test images", f"{images:,}", "The same for all. On other images a small difference may turn round."),
    )


def _format_mean(summary: Summary) -> str:
    return f"{format_percent(summary.mean)} ± {100 * (summary.sd or 0):.2f}"
