"""The curves of a run: smoothed over every step, then reduced without losing extremes."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.analysis.smoothing import LAG_SHARE, adapted_smoothing
from mnist_core.records import encode_json
from mnist_dashboard.feed import series as series_module
from mnist_dashboard.feed.series import RunSeries
from mnist_dashboard.server.shared_constants import CURVES, LEVELS, MAX_BUCKETS
from tests.support.curve_reference import (
    CURVE_CASES,
    CurveCase,
    Values,
    averages,
    reduced_curve,
    step_table,
    tensorboard_curve,
    tolerance,
)

SMOOTHING_VALUES = [hundredths / 100 for hundredths in range(100)]
"""Those of the sliders on the pages."""


def run_series(losses: list[float]) -> RunSeries:
    series = RunSeries(1)
    assert series.extend(1, step_table(losses))
    return series


def assert_same_values(actual: Values, expected: Values, absolute: float = 0.0) -> None:
    """Compare numbers within six digits, and the places without one exactly."""
    assert [value is None for value in actual] == [value is None for value in expected]
    pairs = [pair for pair in zip(actual, expected, strict=True) if None not in pair]
    assert [pair[0] for pair in pairs] == pytest.approx([pair[1] for pair in pairs], rel=1e-5, abs=absolute)


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 0.95, 0.99])
def test_smoothing_is_the_bias_corrected_average(smoothing: float) -> None:
    losses = np.random.default_rng(1).random(300).tolist()
    assert_same_values(run_series(losses).points(smoothing)["loss"]["smooth"], averages(losses, smoothing))


@pytest.mark.parametrize(("steps", "smoothing"), [(30, 0.95), (30, adapted_smoothing(30)), (300, 0.6), (300, 0.99)])
def test_smoothing_is_that_of_tensorboard(steps: int, smoothing: float) -> None:
    losses = np.random.default_rng(3).random(steps).tolist()
    assert_same_values(run_series(losses).points(smoothing)["loss"]["smooth"], tensorboard_curve(losses, smoothing))


@pytest.mark.parametrize(
    ("steps", "smoothing"), [(1, 0.02), (30, 0.37), (171, 0.77), (950, 0.95), (2532, 0.95), (0, 0.95)]
)
def test_smoothing_adapts_to_the_length_of_the_run(steps: int, smoothing: float) -> None:
    assert adapted_smoothing(steps) == smoothing


@pytest.mark.parametrize("steps", [30, 171, 600, 2532])
def test_a_smoothed_curve_lies_on_its_data(steps: int) -> None:
    """On a falling loss the curve lags by its share of the run, up to the rounding of the smoothing."""
    losses = np.linspace(2.3, 0.1, steps).tolist()
    smoothed = run_series(losses).points(adapted_smoothing(steps))["loss"]["smooth"]
    lag = (smoothed[-1] - losses[-1]) / (losses[0] - losses[1])
    assert lag <= 1.05 * LAG_SHARE * steps


def test_a_short_run_keeps_every_step() -> None:
    points = run_series([3.0, 2.0, 1.0]).points(0)
    assert points["x"] == [1, 2, 3]
    assert points["loss"] == {"low": [3, 2, 1], "high": [3, 2, 1], "smooth": [3, 2, 1]}


@pytest.mark.fault
def test_a_long_run_is_reduced_without_losing_a_spike() -> None:
    losses = np.full(3_000_000, 0.5)
    losses[1_234_567] = 9.0
    series = RunSeries(1)
    series.extend(1, step_table(losses))
    points = series.points(0.95)
    assert len(points["x"]) <= MAX_BUCKETS
    assert points["x"][-1] == points["step"] == 3_000_000
    assert max(points["loss"]["high"]) == 9.0
    assert max(points["loss"]["smooth"]) < 9.0


def test_the_browser_can_continue_the_average() -> None:
    values = np.random.default_rng(2).random(50).tolist()
    average, count = run_series(values[:40]).points(0.9)["ema"]["loss"]
    for value in values[40:]:
        average, count = 0.9 * average + 0.1 * value, count + 1
    assert average / (1 - 0.9**count) == pytest.approx(averages(values, 0.9)[-1], rel=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.95])
def test_the_last_batches_are_sent_whatever_the_smoothing(smoothing: float) -> None:
    points = run_series([*range(1, 31), math.nan]).points(smoothing)
    assert points["recent"]["loss"] == [*range(12, 31), None]
    assert RunSeries(1).points(smoothing)["recent"]["loss"] == []


def test_overlapping_steps_are_skipped_and_a_gap_is_refused() -> None:
    series = run_series([1.0, 2.0])
    assert series.extend(2, step_table([2.0, 3.0]))
    assert series.points(0)["loss"]["low"] == [1, 2, 3]
    assert not series.extend(5, step_table([5.0]))
    assert series.steps == 3


@pytest.mark.parametrize("smoothing", [0.0, 0.5])
def test_the_average_has_a_gap_at_nan_and_carries_on_behind_it(smoothing: float) -> None:
    points = run_series([1.0, math.nan, 3.0]).points(smoothing)
    assert points["loss"]["low"] == points["loss"]["high"] == [1, None, 3]
    assert_same_values(points["loss"]["smooth"], [1, None, 3 if smoothing == 0 else (0.25 + 1.5) / 0.75])
    assert points["ema"]["loss"][1] == 2


def test_a_bucket_is_a_gap_only_if_no_value_in_it_is_finite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(series_module, "MAX_BUCKETS", 3)
    points = run_series([4.0, math.nan, math.inf, math.nan, 2.0, 1.0]).points(0)
    assert points["loss"] == {"low": [4, None, 1], "high": [4, None, 2], "smooth": [4, None, 1]}


def test_no_steps_make_an_empty_history() -> None:
    points = RunSeries(1).points(0.95)
    assert (points["step"], points["x"], points["loss"]["smooth"]) == (0, [], [])


@pytest.mark.parametrize("case", CURVE_CASES, ids=lambda case: case.name)
def test_history_equals_what_the_browser_has_after_the_same_steps(
    case: CurveCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`series.test.js` holds the browser to the same curves."""
    monkeypatch.setattr(series_module, "MAX_BUCKETS", max(1, len(case.ends)))
    points = run_series(list(case.losses)).points(case.smoothing)
    assert points["x"] == case.ends
    for name, expected in reduced_curve(case.losses, case.smoothing, case.bucket_size).items():
        assert_same_values(points["loss"][name], expected, tolerance(case.losses, 1e-12))


@settings(max_examples=100, deadline=None)
@given(
    losses=st.lists(st.floats(), max_size=40),
    smoothing=st.sampled_from(SMOOTHING_VALUES),
    max_buckets=st.sampled_from([1, 4, MAX_BUCKETS]),
)
def test_any_numbers_make_strict_json_and_the_right_curve(
    losses: list[float], smoothing: float, max_buckets: int
) -> None:
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as monkeypatch:
        warnings.simplefilter("error")
        monkeypatch.setattr(series_module, "MAX_BUCKETS", max_buckets)
        series = RunSeries(1)
        table = step_table(losses)
        for name in (*CURVES, *LEVELS):
            if name != "examples_per_second":
                table[name] = losses
        series.extend(1, table)
        points = series.points(smoothing)
        encode_json(points)
    expected = reduced_curve(losses, smoothing, max(1, math.ceil(len(losses) / max_buckets)))
    for curve in ("loss", "accuracy"):
        for name, values in expected.items():
            assert_same_values(points[curve][name], values, tolerance(losses, 1e-12))
    assert_same_values(points["lr"], [losses[x - 1] if math.isfinite(losses[x - 1]) else None for x in points["x"]])
