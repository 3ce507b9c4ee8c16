"""What the Sweep page shows: a search, a race, or the newest of them. It is in the address and the session."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import streamlit as st

from mnist_dashboard.ui.state import run_address

SEARCH, RACE = "search", "race"
"""The two tabs of the page."""

_KEY, _WRITTEN_KEY = "sweep_place", "sweep_places_in_browser"
"""Session keys of the present place, and of those that the browser may show: the latest it sent, and those since."""

_NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)


@dataclass(frozen=True)
class Place:
    """A part of the address. Values that no page of ours writes count as absent."""

    sweep: int | None = None
    """The search; None stands for the newest that is active, else the newest."""
    race: int | None = None
    """The race, by its `race_id`; None stands for the newest, as with searches."""
    tab: str = ""
    """`race` for the newest race; empty otherwise: the number says which tab it is."""

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Self:
        """Return the place in the unchecked values of an address."""
        numbers = {name: str(values.get(name, "")) for name in ("sweep", "race")}
        sweep, race = (int(text) if _NUMBER.fullmatch(text) else None for text in numbers.values())
        if sweep:
            return cls(sweep=sweep)
        return cls(race=race, tab=RACE if not race and values.get("tab") == RACE else "")

    @property
    def shown_tab(self) -> str:
        return RACE if self.race or self.tab == RACE else SEARCH


def receive() -> Place:
    """Return what the page shows, and write it into the address. Call it once per drawing of the page.

    A rerun may come with an address from before the latest change here. One that this session has written is no news,
    nor is one without a place, because a change of the page drops the query; any other is where the reader went.
    """
    sent = Place.read(st.query_params)
    written: list[Place] = st.session_state.setdefault(_WRITTEN_KEY, [sent])
    kept: Place | None = st.session_state.get(_KEY)
    if kept is None or run_address.is_history_navigation():
        _take(sent)
    elif sent in written:
        st.session_state[_WRITTEN_KEY] = written[written.index(sent) :]
    elif sent == Place():
        st.session_state[_WRITTEN_KEY] = [sent, kept]
    else:
        _take(sent)
    place: Place = st.session_state[_KEY]
    _write(place)
    return place


def go_to(place: Place) -> None:
    """Lead the reader to another search or race; call it in a callback, before the page is drawn."""
    if st.session_state.get(_KEY) != place:
        st.session_state[_KEY] = place
        st.session_state.setdefault(_WRITTEN_KEY, [Place()]).append(place)
    _write(place)


def _take(place: Place) -> None:
    st.session_state[_KEY], st.session_state[_WRITTEN_KEY] = place, [place]


def _write(place: Place) -> None:
    for name, value in asdict(place).items():
        text = str(value or "")
        if text and st.query_params.get(name) != text:
            st.query_params[name] = text
        elif not text and name in st.query_params:
            del st.query_params[name]
