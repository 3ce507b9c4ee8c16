"""The statistics agree with published examples."""

import numpy as np
import pytest
from scipy import stats

from mnist_core.analysis import significance
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
    outcome = significance.paired_t_test(*SLEEP)
    assert outcome.p == pytest.approx(0.002833, abs=5e-7)
    assert (outcome.low, outcome.high) == pytest.approx((-2.4598858, -0.7001142), abs=1e-6)
    assert outcome.effect == pytest.approx(-4.0621 / 10**0.5, abs=1e-4)


def test_welchs_t_test_agrees_with_r() -> None:
    """R's `t.test(extra ~ group, data = sleep)`: p-value = 0.07939, interval -3.3654832 to 0.2054832."""
    outcome = significance.welch_t_test(*SLEEP)
    assert outcome.p == pytest.approx(0.07939, abs=5e-6)
    assert (outcome.low, outcome.high) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)


def test_the_signed_rank_test_agrees_with_hollander_and_wolfe() -> None:
    """R's `wilcox.test`: V = 40, p-value = 0.01953 one-sided, which is half of this."""
    assert significance.wilcoxon_test(*DEPRESSION) == pytest.approx(2 * 0.01953, abs=1e-5)


def test_power_agrees_with_the_gpower_manual() -> None:
    """Matched pairs, after Cohen (1988), p. 48: 50 pairs, dz = 0.421637, two-sided 5 %: power 0.832114."""
    assert significance.power(0.421637, 50) == pytest.approx(0.832114, abs=1e-6)


def test_the_seeds_needed_are_the_fewest_with_enough_power() -> None:
    """G*Power and R's `power.t.test(type = "paired")` round 33.37 pairs up to 34 for half a standard deviation."""
    assert significance.seeds_needed(0.5) == significance.seeds_needed(-0.5) == 34
    assert significance.seeds_needed(0) is significance.seeds_needed(0.01) is None


def test_the_bootstrap_agrees_with_drawing_images() -> None:
    only_a, only_b, images = 40, 20, 1000
    per_image = np.repeat([1, -1, 0], [only_a, only_b, images - only_a - only_b])
    drawn = stats.bootstrap((per_image,), np.mean, method="percentile", rng=np.random.default_rng(1), batch=500)
    expected = drawn.confidence_interval
    interval = significance.bootstrap_interval(only_a, only_b, images)
    assert interval == pytest.approx((expected.low, expected.high), abs=0.0015)


def test_without_spread_p_is_0_or_1() -> None:
    assert significance.paired_t_test([0.9, 0.9], [0.8, 0.8]).p == 0
    assert significance.paired_t_test([0.9, 0.9], [0.9, 0.9]).p == 1
    assert significance.welch_t_test([0.9, 0.9], [0.8, 0.8]).p == 0
    assert significance.wilcoxon_test([0.9] * 6, [0.9] * 6) == 1


def test_the_interval_of_a_mean_agrees_with_r() -> None:
    """The differences of `SLEEP` again, as R's `t.test(extra1 - extra2)` gives them."""
    summary = summarize(np.subtract(*SLEEP).tolist())
    assert summary.count == 10
    assert summary.mean == pytest.approx(-1.58)
    assert summary.sd == pytest.approx(1.229995, abs=1e-6)
    assert (summary.low, summary.high) == pytest.approx((-2.4598858, -0.7001142), abs=1e-6)
    assert summarize([0.5]).sd is None
