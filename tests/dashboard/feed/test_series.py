"""The curves of a run: smoothed over every step, then reduced without losing extremes."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core.store.step_codec import STEP_COLUMNS
from mnist_dashboard.feed.series import RunSeries, smooth
from mnist_dashboard.server.shared_constants import MAX_BUCKETS


def table(loss: np.ndarray) -> np.ndarray:
    rows = np.zeros(len(loss), STEP_COLUMNS)
    rows["loss"] = loss
    rows["accuracy"] = 0.5
    return rows


def by_the_book(values: list[float], smoothing: float) -> list[float]:
    average, result = 0.0, []
    for count, value in enumerate(values, 1):
        average = smoothing * average + (1 - smoothing) * value
        result.append(average / (1 - smoothing**count))
    return result


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 0.95, 0.99])
def test_smoothing_is_the_bias_corrected_average(smoothing: float) -> None:
    values = np.random.default_rng(1).random(300)
    assert smooth(values, smoothing).tolist() == pytest.approx(by_the_book(values.tolist(), smoothing))


def test_a_short_run_keeps_every_step() -> None:
    series = RunSeries(1)
    series.extend(1, table(np.array([3.0, 2.0, 1.0])))
    points = series.points(0)
    assert points["x"] == [1, 2, 3]
    assert points["loss"] == {"low": [3, 2, 1], "high": [3, 2, 1], "smooth": [3, 2, 1]}


def test_a_long_run_is_reduced_without_losing_a_spike() -> None:
    loss = np.full(3_000_000, 0.5)
    loss[1_234_567] = 9.0
    series = RunSeries(1)
    series.extend(1, table(loss))
    points = series.points(0.95)
    assert len(points["x"]) <= MAX_BUCKETS
    assert points["x"][-1] == points["step"] == 3_000_000
    assert max(points["loss"]["high"]) == 9.0
    assert max(points["loss"]["smooth"]) < 9.0


def test_the_browser_can_continue_the_average() -> None:
    values = np.random.default_rng(2).random(50)
    series = RunSeries(1)
    series.extend(1, table(values[:40]))
    average, count = series.points(0.9)["ema"]["loss"]
    for value in values[40:]:
        average, count = 0.9 * average + 0.1 * value, count + 1
    assert average / (1 - 0.9**count) == pytest.approx(by_the_book(values.tolist(), 0.9)[-1], rel=1e-5)


def test_overlapping_steps_are_skipped_and_a_gap_is_refused() -> None:
    series = RunSeries(1)
    assert series.extend(1, table(np.array([1.0, 2.0])))
    assert series.extend(2, table(np.array([2.0, 3.0])))
    assert series.points(0)["loss"]["low"] == [1, 2, 3]
    assert not series.extend(5, table(np.array([5.0])))
    assert series.steps == 3


def test_nan_is_null_and_does_not_change_the_average() -> None:
    series = RunSeries(1)
    series.extend(1, table(np.array([1.0, np.nan])))
    points = series.points(0.5)
    assert points["loss"]["low"] == [1, None]
    assert points["ema"]["loss"][1] == 1


def test_no_steps_make_an_empty_history() -> None:
    points = RunSeries(1).points(0.95)
    assert (points["step"], points["x"], points["loss"]["smooth"]) == (0, [], [])
