"""Numbers as pages show them."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from mnist_dashboard.ui import formatting


def test_a_page_writes_thin_spaces() -> None:
    assert formatting.format_percent(0.97481) == "97.48\u202f%"
    assert formatting.format_percent(None) == "–"
    assert formatting.format_count(1_199_882) == "1\u202f199\u202f882"


@pytest.mark.parametrize("zone", ["Nowhere/Else", "../../etc/passwd", "Europe", "", None])
def test_a_zone_that_this_machine_does_not_know_is_its_own(zone: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.context", SimpleNamespace(timezone=zone))
    assert formatting.reader_zone() is None


def test_a_time_is_written_in_the_zone_of_the_readers_browser(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.context", SimpleNamespace(timezone="Asia/Tokyo"))
    assert formatting.format_time(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "2026-07-01 21:00:00 JST"
