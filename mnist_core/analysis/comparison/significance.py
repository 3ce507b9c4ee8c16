"""The statistical tests behind a verdict. Imports scipy on first use, because the server starts faster without it.

Accuracies are counts of images, so their spread over seeds can be zero by coincidence. The t tests therefore take at
least the spread that rounding to whole images gives. `benchmarks/statistics/false_positives.py` measures what that
achieves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.seed_groups import CONFIDENCE, ROUNDING_VARIANCE, t_quantile

ALPHA = round(1 - CONFIDENCE, 9)
"""Significance level: a difference with a smaller p-value counts as real."""

MIN_SEEDS = 3
"""Minimum number of seeds of each side: two agree too often by chance, and their interval is useless."""

MAX_SIZE_RATIO = 1.5
"""With more runs on one side than this times those of the other, Welch's test gets fewer degrees of freedom.

Its approximation is too bold there: 3 against 30 equal seeds differ with p < 0.05 in 7.5 % of tables.
"""

MIN_WILCOXON_PAIRS = 6
"""Minimum number of pairs for the signed-rank test: with fewer, its smallest possible p-value is above 0.05."""


def mcnemar_test(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of the exact McNemar test.

    `only_a` and `only_b` count the images that only one of two runs classifies correctly.
    """
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def score_interval(only_a: int, only_b: int, images: int) -> tuple[float, float]:
    """Return the 95 % interval of the difference of two accuracies (A minus B) on the same images, from -1 to 1.

    It holds the differences that the score test of Tango (1998, Statistics in Medicine 17, equation 7) does not
    reject. Where the exact McNemar test rejects no difference, it reaches to zero, so interval and p-value agree: the
    score test alone would call five images against none a difference.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    quantile = float(norm.isf(ALPHA / 2))
    difference = (only_a - only_b) / images

    def find_limit(end: int) -> float:
        if difference == end:
            return float(end)
        return float(brentq(lambda at: abs(_tango_score(only_a, only_b, images, at)) - quantile, difference, end))

    low, high = find_limit(-1), find_limit(1)
    if mcnemar_test(only_a, only_b) >= ALPHA:
        low, high = min(low, 0.0), max(high, 0.0)
    return low, high


def _tango_score(only_a: int, only_b: int, images: int, difference: float) -> float:
    """Return the score statistic of a true `difference`; without bound at -1 and 1, where the variance vanishes.

    `q` is the maximum likelihood estimate of the share of images that only B classifies correctly.
    """
    linear = (2 * images - only_a + only_b) * difference - only_a - only_b
    root = max(linear**2 + 8 * images * only_b * difference * (1 - difference), 0.0) ** 0.5
    q = (root - linear) / (4 * images)
    variance = images * (2 * q + difference * (1 - difference))
    distance = only_a - only_b - images * difference
    if distance == 0:
        return 0.0
    return distance / variance**0.5 if variance > 0 else float(np.copysign(np.inf, distance))


@dataclass(frozen=True, slots=True)
class TTestResult:
    """Result of a t test over seeds, in the unit of the measurements."""

    name: str
    p: float
    low: float
    high: float
    """The 95 % confidence interval of the mean of A minus that of B."""
    effect: float
    """Mean difference divided by `sd`: Cohen's dz if paired."""
    sd: float
    """Standard deviation of the difference of one seed of A and one of B; at least that of rounding."""
    degrees_of_freedom: float
    """Of the test."""
    spread_df: float
    """Degrees of freedom of `sd`: how well it is known."""
    df_per_seed: float
    """Degrees of freedom of the same test on n seeds of each side, divided by n - 1: 1 if paired, else 1 to 2."""


def paired_t_test(a: Sequence[float], b: Sequence[float], *, resolution: float) -> TTestResult:
    """Run Student's paired t test on at least two results of the same seeds.

    `resolution` is the unit to which the results are rounded: 1 for counts of images, 0 for exact numbers.
    """
    differences = np.subtract(a, b)
    floor = 2 * ROUNDING_VARIANCE * resolution**2
    sd = max(float(np.var(differences, ddof=1)), floor) ** 0.5
    df = len(differences) - 1
    standard_error = sd / len(differences) ** 0.5
    return _t_test(
        "Paired t test", float(np.mean(differences)), standard_error, df, sd=sd, spread_df=df, df_per_seed=1.0
    )


def welch_t_test(a: Sequence[float], b: Sequence[float], *, resolution: float) -> TTestResult:
    """Run Welch's t test, for sides that were trained with different seeds; at least two results each.

    `resolution` is the unit to which the results are rounded: 1 for counts of images, 0 for exact numbers.
    """
    floor = ROUNDING_VARIANCE * resolution**2
    variances = np.array([max(float(np.var(side, ddof=1)), floor) for side in (a, b)])
    counts = np.array([len(a), len(b)])
    shares = variances / counts
    df = float(shares.sum() ** 2 / (shares**2 / (counts - 1)).sum())  # Welch (1947), Satterthwaite (1946)
    if max(counts) > MAX_SIZE_RATIO * min(counts):
        df = float(min(counts) - 1)  # a lower bound of it
    spread_df = float(variances.sum() ** 2 / (variances**2 / (counts - 1)).sum())
    df_per_seed = float(variances.sum() ** 2 / (variances**2).sum())
    difference = float(np.mean(a) - np.mean(b))
    sd = float(variances.sum() ** 0.5)
    standard_error = float(shares.sum() ** 0.5)
    return _t_test(
        "Welch's t test", difference, standard_error, df, sd=sd, spread_df=spread_df, df_per_seed=df_per_seed
    )


def _t_test(
    name: str, difference: float, standard_error: float, df: float, *, sd: float, spread_df: float, df_per_seed: float
) -> TTestResult:
    from scipy.stats import t

    p = 2 * float(t.sf(abs(difference) / standard_error, df))
    half = t_quantile(df) * standard_error
    return TTestResult(name, p, difference - half, difference + half, difference / sd, sd, df, spread_df, df_per_seed)


def wilcoxon_test(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test over all changes of sign, ties included.

    Up to 13 pairs it is exact; beyond, 9,999 random changes of sign estimate it.
    """
    from scipy import stats

    if not any(np.subtract(a, b)):
        return 1.0
    return float(stats.wilcoxon(a, b, method=stats.PermutationMethod(n_resamples=9_999, rng=0)).pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number, in the same order, by the step-down procedure of Holm (1979)."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
