"""The statistical tests behind a verdict. Imports scipy on first use, because the server starts faster without it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.seed_groups import summarize

ALPHA = 0.05
"""Significance level: a difference with a smaller p-value counts as real."""

POWER = 0.8
"""Probability with which the computed number of seeds detects the difference."""

RESAMPLES = 10_000
"""Number of bootstrap samples."""

MAX_SEEDS = 1000
"""Maximum number of seeds that a verdict recommends."""

MIN_WILCOXON_PAIRS = 6
"""Minimum number of pairs for the signed-rank test: with fewer, its smallest possible p-value is above 0.05."""


def mcnemar_test(only_a: int, only_b: int) -> float:
    """Return the two-sided p-value of the exact McNemar test.

    `only_a` and `only_b` count the images that only one of two runs classifies correctly.
    """
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def bootstrap_interval(only_a: int, only_b: int, images: int) -> tuple[float, float]:
    """Return the 95 % percentile interval of the difference of two accuracies (A minus B) on the same images.

    An image counts +1, -1 or 0, so resampling the images is sampling the three counts from a multinomial distribution.
    """
    shares = np.array([only_a, only_b, images - only_a - only_b]) / images
    samples = np.random.default_rng(0).multinomial(images, shares, RESAMPLES)
    low, high = np.quantile((samples[:, 0] - samples[:, 1]) / images, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def seeds_needed(effect: float) -> int | None:
    """Return the number of pairs at which a two-sided paired t test has the power `POWER`, by Cohen (1988).

    `effect` is the difference in standard deviations. None if it takes more than `MAX_SEEDS` pairs.
    """
    return next((n for n in range(2, MAX_SEEDS + 1) if power(effect, n) >= POWER), None) if effect else None


def power(effect: float, pairs: int) -> float:
    """Return the probability that a two-sided paired t test at `ALPHA` detects a difference of `effect` sd.

    Uses the noncentral t distribution, as Cohen (1988) does.
    """
    from scipy.stats import nct, t

    critical = t.isf(ALPHA / 2, pairs - 1)
    noncentrality = abs(effect) * pairs**0.5
    return float(nct.sf(critical, pairs - 1, noncentrality) + nct.cdf(-critical, pairs - 1, noncentrality))


@dataclass(frozen=True, slots=True)
class TTestResult:
    """Result of a t test over seeds: p-value, 95 % interval of the difference, effect size, name of the test."""

    p: float
    low: float
    high: float
    effect: float
    """Mean difference divided by the standard deviation of one seed's difference (Cohen's dz)."""
    name: str


def paired_t_test(a: Sequence[float], b: Sequence[float]) -> TTestResult:
    """Run Student's paired t test on the accuracies of the same seeds."""
    from scipy.stats import ttest_rel

    differences = summarize(np.subtract(a, b).tolist())
    assert differences.sd is not None
    assert differences.low is not None
    assert differences.high is not None
    if differences.sd == 0:  # t is undefined without spread
        p = 0.0 if differences.mean else 1.0
        return TTestResult(p, differences.mean, differences.mean, 0.0, "Paired t test")
    effect = differences.mean / differences.sd
    return TTestResult(float(ttest_rel(a, b).pvalue), differences.low, differences.high, effect, "Paired t test")


def welch_t_test(a: Sequence[float], b: Sequence[float]) -> TTestResult:
    """Run Welch's t test, for sides that were trained with different seeds."""
    from scipy.stats import ttest_ind

    spread = (np.var(a, ddof=1) + np.var(b, ddof=1)) ** 0.5
    difference = float(np.mean(a) - np.mean(b))
    if spread == 0:
        return TTestResult(0.0 if difference else 1.0, difference, difference, 0.0, "Welch's t test")
    result = ttest_ind(a, b, equal_var=False)
    interval = result.confidence_interval(1 - ALPHA)
    return TTestResult(float(result.pvalue), interval.low, interval.high, float(difference / spread), "Welch's t test")


def wilcoxon_test(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the two-sided p-value of Wilcoxon's signed-rank test."""
    from scipy import stats

    return float(stats.wilcoxon(a, b).pvalue) if any(np.subtract(a, b)) else 1.0
