"""The statistics behind a verdict: exact, paired, and as the textbooks have them. scipy is imported on first use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.seed_groups import summarize

ALPHA = 0.05
"""Differences that chance alone would make so large less often than this are called real."""

POWER = 0.8
"""How often the seeds that are asked for would find a difference such as this one."""

RESAMPLES = 10_000
MAX_SEEDS = 1000
WILCOXON_MIN = 6
"""With fewer pairs even the clearest outcome has a p above 0.05."""


def mcnemar_test(only_a: int, only_b: int) -> float:
    """The exact two-sided p: how often chance deals out images that one of two gets right at least so unevenly."""
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0


def bootstrap_interval(only_a: int, only_b: int, images: int) -> tuple[float, float]:
    """The 95 % percentile interval of the difference of two accuracies on the same images.

    An image counts +1, -1 or 0, so drawing all images anew is drawing how many of each there are.
    """
    shares = np.array([only_a, only_b, images - only_a - only_b]) / images
    drawn = np.random.default_rng(0).multinomial(images, shares, RESAMPLES)
    low, high = np.quantile((drawn[:, 0] - drawn[:, 1]) / images, [ALPHA / 2, 1 - ALPHA / 2])
    return float(low), float(high)


def seeds_needed(effect: float) -> int | None:
    """Pairs for a two-sided paired t test to find, with a chance of 80 %, a difference of so many standard deviations.

    By the noncentral t distribution, as in Cohen (1988); None if even `MAX_SEEDS` would not do.
    """
    return next((n for n in range(2, MAX_SEEDS + 1) if power(effect, n) >= POWER), None) if effect else None


def power(effect: float, pairs: int) -> float:
    """The chance that a two-sided paired t test at `ALPHA` finds a difference of `effect` standard deviations."""
    from scipy.stats import nct, t

    critical, center = t.isf(ALPHA / 2, pairs - 1), abs(effect) * pairs**0.5
    return float(nct.sf(critical, pairs - 1, center) + nct.cdf(-critical, pairs - 1, center))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a test over seeds found."""

    p: float
    low: float
    high: float
    effect: float
    """The difference in standard deviations of one seed's difference."""
    name: str


def paired_t_test(a: Sequence[float], b: Sequence[float]) -> Outcome:
    """Student's paired t test."""
    from scipy.stats import ttest_rel

    differences = summarize(np.subtract(a, b).tolist())
    assert differences.sd is not None
    assert differences.low is not None
    assert differences.high is not None
    if differences.sd == 0:  # the same each time: no spread to compare with
        p = 0.0 if differences.mean else 1.0
        return Outcome(p, differences.mean, differences.mean, 0.0, "Paired t test")
    effect = differences.mean / differences.sd
    return Outcome(float(ttest_rel(a, b).pvalue), differences.low, differences.high, effect, "Paired t test")


def welch_t_test(a: Sequence[float], b: Sequence[float]) -> Outcome:
    """Welch's t test, for seeds that are not the same ones."""
    from scipy.stats import ttest_ind

    spread = (np.var(a, ddof=1) + np.var(b, ddof=1)) ** 0.5
    difference = float(np.mean(a) - np.mean(b))
    if spread == 0:
        return Outcome(0.0 if difference else 1.0, difference, difference, 0.0, "Welch's t test")
    result = ttest_ind(a, b, equal_var=False)
    interval = result.confidence_interval(1 - ALPHA)
    return Outcome(float(result.pvalue), interval.low, interval.high, float(difference / spread), "Welch's t test")


def wilcoxon_test(a: Sequence[float], b: Sequence[float]) -> float:
    """The two-sided p of the signed-rank test."""
    from scipy import stats

    return float(stats.wilcoxon(a, b).pvalue) if any(np.subtract(a, b)) else 1.0
