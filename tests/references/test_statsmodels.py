"""Significance tests, intervals, power and correction for several comparisons against statsmodels.

Where nothing else is said, results are within 1e-12: both sides compute the same formula in float64, and quantiles and
tails of distributions are good to about 1e-14.
"""

import math

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower, TTestPower, ftest_anova_power, ftest_power
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from mnist_core.analysis.comparison.power import POWER, fewest_seeds, power
from mnist_core.analysis.comparison.significance import (
    ALPHA,
    holm,
    mcnemar_test,
    paired_t_test,
    score_interval,
    welch_t_test,
)
from mnist_core.analysis.seed_groups import summarize

TOLERANCE = 1e-12


def accuracies(seed: int, count: int, sd: float = 0.002) -> list[float]:
    return list(np.random.default_rng(seed).normal(0.97, sd, count))


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 1), (0, 5), (5, 0), (1, 11), (25, 21), (86, 150), (300, 420)])
def test_mcnemar(only_a: int, only_b: int) -> None:
    expected = mcnemar([[9_000, only_a], [only_b, 500]], exact=True).pvalue
    assert mcnemar_test(only_a, only_b) == pytest.approx(expected, rel=TOLERANCE)


@pytest.mark.parametrize("count", [3, 5, 10, 30])
def test_paired_t_test(count: int) -> None:
    a, b = accuracies(1, count), accuracies(2, count)
    result = paired_t_test(a, b, resolution=0)
    differences = DescrStatsW(np.subtract(a, b))
    assert result.p == pytest.approx(differences.ttest_mean()[1], rel=TOLERANCE)
    assert (result.low, result.high) == pytest.approx(differences.tconfint_mean(ALPHA), rel=0, abs=TOLERANCE)


@pytest.mark.parametrize(("count_a", "count_b"), [(3, 3), (3, 4), (10, 7), (20, 30)])
def test_welchs_t_test(count_a: int, count_b: int) -> None:
    a, b = accuracies(3, count_a), accuracies(4, count_b, sd=0.006)
    result = welch_t_test(a, b, resolution=0)
    means = CompareMeans(DescrStatsW(a), DescrStatsW(b))
    _, p, df = means.ttest_ind(usevar="unequal")
    assert (result.p, result.degrees_of_freedom) == pytest.approx((p, df), rel=TOLERANCE)
    expected = means.tconfint_diff(ALPHA, usevar="unequal")
    assert (result.low, result.high) == pytest.approx(expected, rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("count", [2, 3, 10])
def test_the_interval_of_seeds(count: int) -> None:
    values = accuracies(5, count)
    summary, expected = summarize(values), DescrStatsW(values)
    assert (summary.mean, summary.sd) == pytest.approx((expected.mean, np.std(values, ddof=1)), rel=TOLERANCE)
    assert (summary.low, summary.high) == pytest.approx(expected.tconfint_mean(ALPHA), rel=0, abs=TOLERANCE)


def test_the_interval_of_paired_accuracies_of_many_images() -> None:
    """Tango's score interval approaches the normal one, which statsmodels has, as images become many.

    With 1,000 discordant images of 100,000 the limits differ by less than 1 % of the width. statsmodels has no score
    interval for pairs; `tests/analysis` holds a published example of few images.
    """
    only_a, only_b, images = 560, 440, 100_000
    counts = DescrStatsW([1.0, -1.0, 0.0], weights=[only_a, only_b, images - only_a - only_b])
    low, high = counts.zconfint_mean(ALPHA)
    assert score_interval(only_a, only_b, images) == pytest.approx((low, high), rel=0, abs=0.01 * (high - low))


@pytest.mark.parametrize("seeds", [3, 5, 10, 30])
@pytest.mark.parametrize("effect", [0.0, 0.1, 0.5, 1.0, 1.5])
def test_power(effect: float, seeds: int) -> None:
    """Welch's test of two sides with equal spread: an effect in standard deviations of one side is sqrt(2) larger."""
    paired, unpaired = power(effect, seeds), power(effect, seeds, df_per_seed=2)
    assert paired == pytest.approx(TTestPower().power(effect, seeds, ALPHA), rel=0, abs=TOLERANCE)
    expected = TTestIndPower().power(effect * math.sqrt(2), seeds, ALPHA)
    assert unpaired == pytest.approx(expected, rel=0, abs=TOLERANCE)


@pytest.mark.parametrize(("effect", "seeds"), [(3, 3), (10, 3), (3, 10), (12, 10), (9, 20)])
def test_power_of_large_effects(effect: float, seeds: int) -> None:
    """The square of t is F, whose noncentral distribution is good where scipy's of t gives NaN, as in the last two."""
    expected = ftest_power(effect, seeds - 1, 1, ALPHA, ncc=0)
    assert power(effect, seeds) == pytest.approx(expected, rel=0, abs=TOLERANCE)


@pytest.mark.parametrize(("effect", "seeds"), [(3, 3), (10, 3), (3, 10), (24.5, 4), (7, 30)])
def test_power_of_large_effects_in_welchs_test(effect: float, seeds: int) -> None:
    """As above, by the analysis of variance of two groups."""
    expected = ftest_anova_power(effect / math.sqrt(2), 2 * seeds, ALPHA, k_groups=2)
    assert power(effect, seeds, df_per_seed=2) == pytest.approx(expected, rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("effect", [0.2, 0.5, 0.9, 1.3])
def test_the_fewest_seeds(effect: float) -> None:
    """Equal: statsmodels solves for a fraction of a seed, and whole seeds are the next number above."""
    paired = TTestPower().solve_power(effect, power=POWER, alpha=ALPHA)
    assert fewest_seeds(effect) == math.ceil(paired)
    unpaired = TTestIndPower().solve_power(effect * math.sqrt(2), power=POWER, alpha=ALPHA)
    assert fewest_seeds(effect, df_per_seed=2) == math.ceil(unpaired)


def test_correction_for_several_comparisons() -> None:
    """The 45 pairs of ten runs."""
    p_values = list(np.random.default_rng(6).beta(0.3, 1, 45))
    corrected = multipletests(p_values, method="holm")[1]
    assert holm(p_values) == pytest.approx(corrected, rel=TOLERANCE)
