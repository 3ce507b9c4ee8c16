"""Shares and durations as text."""

import pytest

from mnist_core import formatting


def test_a_share_is_written_in_percent() -> None:
    assert formatting.format_percent(0.97481) == "97.48 %"
    assert formatting.format_percent(None) == "–"


@pytest.mark.parametrize(("seconds", "text"), [(0.9, "0:00"), (108, "1:48"), (3599.9, "59:59"), (3661, "1:01:01")])
def test_a_duration_has_hours_from_one_hour_on(seconds: float, text: str) -> None:
    assert formatting.format_duration(seconds) == text
