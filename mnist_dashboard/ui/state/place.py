"""What the reader looks at within a run: an evaluation, a cell of the matrix, an image.

It is in the address. All views of the run share it, so that a reader who changes the view stays at the same evaluation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import streamlit as st

from mnist_dashboard.ui.state import run_address

_KEY, _VERSION_KEY = "place", "place_version"
_CELL = re.compile(r"\d(-\d)?", re.ASCII)
_NUMBER = re.compile(r"\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class Place:
    """A part of the address. Values that no page of ours writes count as absent."""

    step: int | None = None
    """Step of the evaluation; without it the page shows the newest, of `split` if that is given."""
    split: str | None = None
    """`validation` or `test`."""
    cell: str = ""
    """`9-4` for the nines that are read as fours, `9` for all nines that are read wrong, empty for all mistakes."""
    image: int | None = None
    """Number of an image in the split."""

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Place:
        """Return the place in unchecked values, of an address or from a browser."""
        texts = {field.name: str(values.get(field.name, "")) for field in fields(cls)}
        return cls(
            step=int(texts["step"]) if _NUMBER.fullmatch(texts["step"]) else None,
            split=texts["split"] if texts["split"] in ("validation", "test") else None,
            cell=texts["cell"] if _CELL.fullmatch(texts["cell"]) else "",
            image=int(texts["image"]) if _NUMBER.fullmatch(texts["image"]) else None,
        )


def current(run_id: int) -> Place:
    """Return what the reader of this session looks at in a run, and put it into the address."""
    kept: tuple[int, Place] | None = st.session_state.get(_KEY)
    if kept is None or run_address.is_history_navigation():
        kept = run_id, Place.read(st.query_params)
        _bump_version()
    if kept[0] != run_id:
        kept = run_id, Place()
    st.session_state[_KEY] = kept
    _write(kept[1])
    return kept[1]


def version() -> int:
    """Return a number that grows when the place changes by anything but `keep`: the view then goes there."""
    return int(st.session_state.get(_VERSION_KEY, 0))


def keep(run_id: int, place: Place) -> None:
    """Remember what the reader of a view has chosen there."""
    st.session_state[_KEY] = run_id, place
    _write(place)


def keep_sent(values: Mapping[str, Any]) -> None:
    """Remember what a view says that its reader has chosen: `run`, and a place in it. Both are unchecked."""
    if isinstance(run_id := values.get("run"), int):
        keep(run_id, _read_sent(values))


def go_to_sent(values: Mapping[str, Any]) -> None:
    """Lead the reader to what a view has sent."""
    if isinstance(run_id := values.get("run"), int):
        go_to(run_id, _read_sent(values))


def _read_sent(values: Mapping[str, Any]) -> Place:
    return Place.read({name: value for name, value in values.items() if value is not None})


def go_to(run_id: int, place: Place) -> None:
    """Lead the reader of a run to a place."""
    keep(run_id, place)
    _bump_version()


def _bump_version() -> None:
    st.session_state[_VERSION_KEY] = version() + 1


def _write(place: Place) -> None:
    for name, value in asdict(place).items():
        text = "" if value is None else str(value)
        if text and st.query_params.get(name) != text:
            st.query_params[name] = text
        elif not text and name in st.query_params:
            del st.query_params[name]
