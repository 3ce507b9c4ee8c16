"""Shares and durations as text."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mnist_core import formatting


def test_a_share_is_written_in_percent() -> None:
    assert formatting.format_percent(0.97481) == "97.48 %"
    assert formatting.format_percent(None) == "–"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Learning rate", "learning rate"), ("A run", "a run"), ("MNIST digits", "MNIST digits"), ("L2 norm", "L2 norm")],
)
def test_names_keep_their_capitals_within_a_sentence(text: str, expected: str) -> None:
    assert formatting.within_sentence(text) == expected


@pytest.mark.parametrize(("seconds", "text"), [(0.9, "0:00"), (108, "1:48"), (3599.9, "59:59"), (3661, "1:01:01")])
def test_a_duration_has_hours_from_one_hour_on(seconds: float, text: str) -> None:
    assert formatting.format_duration(seconds) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Berlin", "2026-07-01 14:00:00 CEST"),
        ("Asia/Dubai", "2026-07-01 16:00:00 UTC+04"),
        ("UTC", "2026-07-01 12:00:00 UTC"),
    ],
)
def test_a_time_is_written_in_the_readers_zone_with_its_name(zone: str, text: str) -> None:
    assert formatting.format_time(datetime(2026, 7, 1, 12, tzinfo=UTC), ZoneInfo(zone)) == text


def test_a_time_without_a_zone_is_written_in_that_of_this_machine() -> None:
    moment = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert formatting.format_time(moment).startswith(f"{moment.astimezone():%Y-%m-%d %H:%M:%S} ")
    assert formatting.format_time(None) == formatting.MISSING
