"""JSON has no NaN and no infinity: they become null, or are refused."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.records import Progress, RunStatus, encode_json, json_value, round_number
from tests.support.strict_json import parse_json

NOT_FINITE = [math.nan, math.inf, -math.inf]

NAMES = st.sampled_from(["loss", "NaN", ""])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NAMES,
    lambda values: st.lists(values) | st.tuples(values) | st.dictionaries(NAMES, values),
    max_leaves=5,
)


@settings(max_examples=50, deadline=None)
@given(value=VALUES)
def test_any_value_becomes_strict_json(value: Any) -> None:
    parse_json(encode_json(json_value(value)))


@pytest.mark.parametrize("number", NOT_FINITE)
def test_numbers_that_are_not_finite_become_null_however_deep(number: float) -> None:
    assert json_value({"curve": (1.0, [number])}) == {"curve": [1.0, [None]]}
    assert json_value(Progress(loss=number, accuracy=0.5))["loss"] is None


@pytest.mark.parametrize("number", NOT_FINITE)
@pytest.mark.parametrize("compact", [True, False])
def test_a_number_that_is_not_finite_is_not_encoded(number: float, compact: bool) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_json({"loss": [number]}, compact=compact)


def test_records_states_and_times_become_plain_values() -> None:
    assert json_value(RunStatus.DIVERGED) == "diverged"
    assert json_value(datetime(1970, 1, 1, 0, 1, tzinfo=UTC)) == 60


@pytest.mark.parametrize(("value", "rounded"), [(0.123456789, 0.123457), (5e-324, 5e-324), (1e300, 1e300), (0.0, 0.0)])
def test_numbers_are_rounded_to_six_significant_digits(value: float, rounded: float) -> None:
    assert round_number(value) == pytest.approx(rounded, abs=0)


@pytest.mark.parametrize("number", NOT_FINITE)
def test_a_number_that_is_not_finite_is_rounded_to_none(number: float) -> None:
    assert round_number(number) is None
