"""The statistics agree with published examples."""

from dataclasses import replace

import numpy as np
import pytest

from mnist_core.analysis.comparison import power, significance
from mnist_core.analysis.seed_groups import summarize

# Student (1908), "The probable error of a mean": hours of sleep gained by ten patients with two drugs; R's `sleep`.
SLEEP = (
    [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0],
    [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4],
)
# Hollander & Wolfe (1973), p. 27: Hamilton depression scale of nine patients before and after a tranquillizer.
DEPRESSION = (
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30],
    [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29],
)


def test_mcnemar_is_exact() -> None:
    """Agresti (1990), p. 350, approval of a president in two surveys: 150 changed one way, 86 the other.

    Its exact p as R's exact2x2 gives it: `mcnemar.exact(Performance)`, p-value = 3.716e-05.
    """
    assert significance.mcnemar_test(150, 86) == pytest.approx(3.716e-05, rel=1e-4)
    assert significance.mcnemar_test(86, 150) == significance.mcnemar_test(150, 86)


def test_mcnemar_of_few_images_agrees_with_counting_by_hand() -> None:
    assert significance.mcnemar_test(11, 1) == pytest.approx(2 * (1 + 12) / 2**12)
    assert significance.mcnemar_test(1, 0) == 1
    assert significance.mcnemar_test(0, 0) == 1


def test_the_paired_t_test_agrees_with_students_example() -> None:
    """R prints t = -4.0621, df = 9, p-value = 0.002833, interval -2.4598858 to -0.7001142, mean -1.58."""
    outcome = significance.paired_t_test(*SLEEP, resolution=0)
    assert outcome.p == pytest.approx(0.002833, abs=5e-7)
    assert (outcome.low, outcome.high) == pytest.approx((-2.4598858, -0.7001142), abs=1e-6)
    assert outcome.effect == pytest.approx(-4.0621 / 10**0.5, abs=1e-4)


def test_welchs_t_test_agrees_with_r() -> None:
    """R's `t.test(extra ~ group, data = sleep)`: p-value = 0.07939, interval -3.3654832 to 0.2054832."""
    outcome = significance.welch_t_test(*SLEEP, resolution=0)
    assert outcome.p == pytest.approx(0.07939, abs=5e-6)
    assert (outcome.low, outcome.high) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)


def test_the_signed_rank_test_agrees_with_hollander_and_wolfe() -> None:
    """R's `wilcox.test`: V = 40, p-value = 0.01953 one-sided, which is half of this."""
    assert significance.wilcoxon_test(*DEPRESSION) == pytest.approx(2 * 0.01953, abs=1e-5)


def test_ranks_with_ties_are_tested_exactly() -> None:
    """Six pairs cannot give a p below 2 / 2**6, whatever their ties; the normal approximation gives 0.027."""
    assert significance.wilcoxon_test([5, 5, 5, 5, 5, 5], [4, 4, 4, 4, 4, 4]) == pytest.approx(2 / 2**6)
    assert significance.wilcoxon_test([0.9] * 6, [0.9] * 6) == 1


def test_power_agrees_with_the_gpower_manual() -> None:
    """Matched pairs, after Cohen (1988), p. 48: 50 pairs, dz = 0.421637, two-sided 5 %: power 0.832114."""
    assert power.power(0.421637, 50) == pytest.approx(0.832114, abs=1e-6)


def test_the_fewest_seeds_have_enough_power() -> None:
    """G*Power and R's `power.t.test(type = "paired")` round 33.37 pairs up to 34 for half a standard deviation.

    R's two-sample test, `power.t.test(delta = 1)`, takes 16.71 in each group, so 17; `delta = 1` is an effect of
    1 / sqrt(2) in standard deviations of a difference of two.
    """
    assert power.fewest_seeds(0.5) == power.fewest_seeds(-0.5) == 34
    assert power.fewest_seeds(2**-0.5, df_per_seed=2) == 17
    assert power.fewest_seeds(0) is power.fewest_seeds(0.01) is None


@pytest.mark.parametrize("effect", [5, 10, 21.7, 50, 1e6])
def test_large_effects_take_the_fewest_seeds(effect: float) -> None:
    """The noncentral t distribution of scipy is NaN for some of these."""
    assert power.fewest_seeds(effect) == significance.MIN_SEEDS
    assert power.power(effect, 10) == pytest.approx(1)


@pytest.mark.fault
def test_a_short_pilot_recommends_more_seeds_than_its_spread_alone() -> None:
    """With the spread of three seeds taken as exact, the real power of the recommended number is 62 %."""
    pilot = significance.paired_t_test([10, 12, 17], [9, 8, 10], resolution=1)
    needed = power.seeds_needed(pilot)
    assert needed.count is not None
    assert needed.low is not None
    assert needed.high is not None
    as_if_exact = power.fewest_seeds(pilot.effect)
    assert as_if_exact is not None
    assert needed.low < as_if_exact < needed.count < needed.high
    generator = np.random.default_rng(0)
    recommended = []
    for differences in generator.normal(1, 1, (150, 3)):
        spread = float(differences.std(ddof=1))
        outcome = replace(pilot, effect=1 / spread, sd=spread)
        recommended.append(power.seeds_needed(outcome).count or power.MAX_SEEDS)
    assert np.mean([power.power(1, seeds) for seeds in recommended]) > 0.77


def test_seeds_of_welchs_test_are_planned_with_its_own_degrees_of_freedom() -> None:
    equal_spread = significance.welch_t_test([1, 2, 3], [4, 5, 6], resolution=0)
    assert equal_spread.df_per_seed == pytest.approx(2)
    assert equal_spread.degrees_of_freedom == pytest.approx(4)
    one_spread = significance.welch_t_test([1, 5, 9], [4, 4, 4], resolution=0)
    assert one_spread.df_per_seed == pytest.approx(1)


# Published by Fagerland, Lydersen & Laake (2014), Statistics in Medicine 33, table III: of 21 children, 1 had airway
# hyper-responsiveness only before a transplantation and 7 only after. Tango's interval is -0.517 to -0.026.
CHILDREN = (1, 7, 21)


def test_the_score_interval_agrees_with_a_published_example() -> None:
    """The exact test has p = 0.07, so the upper limit is moved from -0.026 to zero, where the two agree."""
    low, high = significance.score_interval(*CHILDREN)
    assert low == pytest.approx(-0.517, abs=5e-4)
    assert high == 0
    assert significance.score_interval(7, 1, 21) == pytest.approx((0, 0.517), abs=5e-4)


@pytest.mark.parametrize("images", [60, 10_000])
def test_interval_and_p_value_never_contradict_each_other(images: int) -> None:
    for discordant in (0, 1, 5, 8, 16, 33, 57):
        for only_a in range(discordant + 1):
            low, high = significance.score_interval(only_a, discordant - only_a, images)
            difference = (2 * only_a - discordant) / images
            assert -1 <= low <= difference <= high <= 1
            is_significant = significance.mcnemar_test(only_a, discordant - only_a) < significance.ALPHA
            assert is_significant == (low > 0 or high < 0)


def test_equal_predictions_leave_an_interval() -> None:
    """No discordant image of n: the limits are z**2 / (n + z**2), which follows from Tango's equation."""
    z2 = 1.959964**2
    assert significance.score_interval(0, 0, 1000) == pytest.approx((-z2 / (1000 + z2), z2 / (1000 + z2)), rel=1e-5)
    assert significance.score_interval(50, 0, 50)[1] == 1
    assert significance.score_interval(0, 50, 50)[0] == -1


def test_very_unequal_sides_get_no_more_degrees_of_freedom_than_the_smaller_has() -> None:
    few, many = [9500, 9507, 9511], list(range(9480, 9500))
    outcome = significance.welch_t_test(few, many, resolution=1)
    assert outcome.degrees_of_freedom == 2
    variances = np.var(few, ddof=1), np.var(many, ddof=1)
    expected = sum(variances) ** 2 / (variances[0] ** 2 / 2 + variances[1] ** 2 / 19)
    assert outcome.spread_df == pytest.approx(expected)


def test_seeds_that_agree_by_chance_prove_little() -> None:
    """Counts are whole numbers, so differences are often equal; the spread is then at least that of rounding."""
    for test in (significance.paired_t_test, significance.welch_t_test):
        assert test([9500] * 3, [9499] * 3, resolution=1).p > 0.01
        equal = test([9500] * 3, [9500] * 3, resolution=1)
        assert equal.p == 1
        assert equal.low < 0 < equal.high


def test_p_values_of_several_pairs_are_corrected() -> None:
    """Worked by hand after Holm (1979): times 3, 2 and 1, and never smaller than the one before."""
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert significance.holm([0.5, 0.9]) == [1, 1]
    assert significance.holm([]) == []


def test_the_interval_of_a_mean_agrees_with_r() -> None:
    """The differences of `SLEEP` again, as R's `t.test(extra1 - extra2)` gives them."""
    summary = summarize(np.subtract(*SLEEP).tolist())
    assert summary.count == 10
    assert summary.mean == pytest.approx(-1.58)
    assert summary.sd == pytest.approx(1.229995, abs=1e-6)
    assert (summary.low, summary.high) == pytest.approx((-2.4598858, -0.7001142), abs=1e-6)
    assert summarize([0.5]).sd is None


def test_equal_accuracies_of_two_seeds_leave_an_interval() -> None:
    """One image of 1,000 is the resolution: sd 0.001 / sqrt(12), t of one degree of freedom 12.7062."""
    summary = summarize([0.95, 0.95], resolution=0.001)
    assert summary.sd == 0
    assert summary.high == pytest.approx(0.95 + 12.7062 * 0.001 / 12**0.5 / 2**0.5, abs=1e-7)
