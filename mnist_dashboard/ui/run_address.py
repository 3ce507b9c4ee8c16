"""The run that a page's address names."""

from __future__ import annotations

import time
from dataclasses import dataclass

import streamlit as st

from mnist_core.errors import RunNotFoundError
from mnist_core.records import Run
from mnist_dashboard import services
from mnist_dashboard.ui import markdown

_MOVE_KEY = "move"
_SECONDS_TO_HEAR = 10.0


@dataclass(frozen=True)
class _Move:
    """From one run to another, of which the browser may not have heard yet."""

    left: str
    to: str
    at: float


def get_run() -> Run | None:
    """None when it names none; when it names one that is not there, the page says so.

    A rerun comes with the address that the browser had when it asked. What it asked before it heard of a move, as when
    the run just started changes its state, must not lead back.
    """
    wanted = st.query_params.get("run", "")
    move = st.session_state.get(_MOVE_KEY)
    if move and wanted in ("", move.left) and time.monotonic() < move.at + _SECONDS_TO_HEAR:
        wanted = move.to
    if not wanted:
        return None
    try:
        return services.current().queries.get_run(int(wanted))
    except (ValueError, OverflowError, RunNotFoundError):
        st.warning(f"There is no run {markdown.escape(wanted)}. Showing the latest instead.", icon=":material/info:")
        return None


def go_to_run(run: Run) -> None:
    """Leave the run that the address names for `run`: somebody has just started or chosen it."""
    st.session_state[_MOVE_KEY] = _Move(st.session_state.get("run", ""), str(run.id), time.monotonic())
    set_run(run)


def set_run(run: Run) -> None:
    """Have the address name `run`."""
    st.query_params["run"] = st.session_state["run"] = str(run.id)
