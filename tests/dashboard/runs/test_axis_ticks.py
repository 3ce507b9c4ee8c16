"""Ticks are round, inside the axis and far enough apart to be read."""

from __future__ import annotations

import math
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mnist_core.records import METRICS
from mnist_dashboard.runs.axis_ticks import linear_ticks, log_ticks

NUMBERS = st.floats(1e-6, 1e6)


def texts(ticks: list[tuple[float, str]]) -> list[str]:
    return [text for _, text in ticks]


def test_linear_ticks_are_round_and_have_the_digits_they_need() -> None:
    assert texts(linear_ticks(0.857, 0.9604, METRICS["test_accuracy"])) == [
        f"{percent}\u202f%" for percent in (86, 88, 90, 92, 94, 96)
    ]
    assert texts(linear_ticks(0.9871, 0.9899, METRICS["test_accuracy"]))[:2] == ["98.75\u202f%", "98.80\u202f%"]
    assert texts(linear_ticks(1, 11)) == ["2", "4", "6", "8", "10"]
    assert texts(linear_ticks(12, 190, METRICS["elapsed_seconds"])) == ["0:30", "1:00", "1:30", "2:00", "2:30", "3:00"]
    assert texts(linear_ticks(4_200, 5_800, METRICS["examples_per_second"]))[0] == "4\u202f500"


def test_logarithmic_ticks_are_powers_of_ten_and_their_round_multiples() -> None:
    assert texts(log_ticks(0.0001, 0.1)) == ["0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1"]
    assert texts(log_ticks(0.004, 0.3)) == ["0.005", "0.01", "0.02", "0.05", "0.1", "0.2"]
    assert texts(log_ticks(0.011, 0.018)) == [f"0.0{number}" for number in range(11, 19)]


def test_an_axis_with_a_single_value_has_one_tick() -> None:
    assert linear_ticks(0.5, 0.5) == [(0.5, "0.50")]
    assert log_ticks(64, 64) == [(0.5, "64.00")]


@given(NUMBERS, NUMBERS)
def test_ticks_never_overlap_or_leave_the_axis(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    if high < low * 1.001:
        return
    for ticks in (linear_ticks(low, high), log_ticks(low, high)):
        places = [place for place, _ in ticks]
        assert len(ticks) <= 12
        assert all(-1e-6 <= place <= 1 + 1e-6 for place in places)
        gaps = [after - before for before, after in pairwise(places)]
        assert all(gap > 0.05 for gap in gaps) or math.log10(high / low) > 12
        assert len(set(texts(ticks))) == len(ticks)
