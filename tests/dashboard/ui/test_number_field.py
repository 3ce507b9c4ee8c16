"""Numbers as people type them."""

import pytest

from mnist_core.config import SETTINGS
from mnist_dashboard.ui.number_field import format_number, parse_number, range_problem


@pytest.mark.parametrize(
    ("name", "text", "number"),
    [
        ("lr", "0,05", 0.05),
        ("lr", " 0.05 ", 0.05),
        ("lr", ",5", 0.5),
        ("lr", "1e-3", 0.001),
        ("lr", "1E-3", 0.001),
        ("batch_size", "64", 64),
        ("batch_size", "64,0", 64),
        ("batch_size", "1\u202f024", 1024),
        ("batch_size", "+8", 8),
    ],
)
def test_a_number_is_read_with_a_point_or_a_comma(name: str, text: str, number: float) -> None:
    parsed = parse_number(SETTINGS[name], text)
    assert parsed == number
    assert range_problem(SETTINGS[name], parsed) == ""
    assert isinstance(parsed, SETTINGS[name].kind)


@pytest.mark.parametrize(
    "text", ["fast", "", "0.1.2", "1,000.5", "1_000", "nan", "inf", "0x10", "--1", "\u0661", "1e9999"]
)
def test_what_is_no_number_stays_text_and_is_named(text: str) -> None:
    assert parse_number(SETTINGS["lr"], text) == text
    problem = range_problem(SETTINGS["lr"], text)
    assert problem == f"Learning rate must be a number between 0.0001 and 1, got {text!r}."


@pytest.mark.parametrize(
    ("name", "text"), [("batch_size", "1,5"), ("lr", "1e999"), ("epochs", "1e999"), ("seed", "-1")]
)
def test_a_number_that_does_not_fit_is_refused(name: str, text: str) -> None:
    assert SETTINGS[name].label in range_problem(SETTINGS[name], parse_number(SETTINGS[name], text))


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.5, 2, "0.50"),
        (0.123, 2, "0.123"),
        (0.0001, 0, "0.0001"),
        (1.0, 0, "1"),
        (1e-7, 0, "0.0000001"),
        (64, 0, "64"),
        ("fast", 2, "fast"),
    ],
)
def test_a_number_is_shown_with_all_its_digits(value: object, decimals: int, text: str) -> None:
    assert format_number(value, decimals) == text
