"""What the Sweep page shows, by its address and by what the reader chose."""

import pytest
import streamlit as st

from mnist_dashboard.sweep import place
from mnist_dashboard.sweep.place import Place
from mnist_dashboard.ui.state import run_address


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The query of the page, as the browser has sent it."""
    query: dict[str, str] = {}
    monkeypatch.setattr(st, "query_params", query)
    monkeypatch.setattr(st, "session_state", {})
    return query


@pytest.mark.parametrize(
    ("values", "expected", "tab"),
    [
        ({"sweep": "3"}, Place(sweep=3), "search"),
        ({"race": "12"}, Place(race=12), "race"),
        ({"tab": "race"}, Place(tab="race"), "race"),
        ({}, Place(), "search"),
        ({"sweep": "3", "race": "12", "tab": "race"}, Place(sweep=3), "search"),
        ({"sweep": "0", "tab": "races"}, Place(), "search"),
        ({"sweep": "-1", "race": "1e3"}, Place(), "search"),
        ({"sweep": "9" * 40}, Place(), "search"),
        ({"sweep": "٣"}, Place(), "search"),
    ],
)
def test_an_address_names_a_search_or_a_race(values: dict[str, str], expected: Place, tab: str) -> None:
    assert Place.read(values) == expected
    assert expected.shown_tab == tab


def test_the_first_visit_shows_what_the_address_names(address: dict[str, str]) -> None:
    address.update(race="12", sweep="x")
    assert place.receive() == Place(race=12)
    assert address == {"race": "12"}


def test_a_reader_who_comes_back_to_the_page_finds_what_was_shown(address: dict[str, str]) -> None:
    address["sweep"] = "3"
    place.receive()
    address.clear()
    assert place.receive() == Place(sweep=3)
    assert address == {"sweep": "3"}


def test_a_rerun_with_an_older_address_does_not_lead_back(address: dict[str, str]) -> None:
    address["sweep"] = "3"
    place.receive()
    place.go_to(Place(sweep=4))
    assert address == {"sweep": "4"}
    address["sweep"] = "3"
    assert place.receive() == Place(sweep=4)
    assert address == {"sweep": "4"}
    place.receive()
    address["sweep"] = "3"
    assert place.receive() == Place(sweep=3), "the browser has shown the newer one meanwhile: the reader went there"


def test_back_leads_to_the_newest(address: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    address["sweep"] = "3"
    place.receive()
    address.clear()
    monkeypatch.setattr(run_address, "is_history_navigation", lambda: True)
    assert place.receive() == Place()
