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
_MOVE_SECONDS = 10.0
"""How long after a move the browser may still send the old address."""


@dataclass(frozen=True)
class _Move:
    """A change of the address that the browser may not have received yet."""

    old_id: str
    new_id: str
    at: float


def find_run() -> Run | None:
    """Return the run in the address, or None if there is none; the page says so if the run does not exist.

    A rerun comes with the address that the browser had when it asked for it. If the browser had not received the
    latest move by then, e.g. because the run just started has changed its status, the rerun must not lead back.
    """
    run_id = st.query_params.get("run", "")
    move: _Move | None = st.session_state.get(_MOVE_KEY)
    if move and run_id in ("", move.old_id) and time.monotonic() < move.at + _MOVE_SECONDS:
        run_id = move.new_id
    if not run_id:
        return None
    try:
        return services.current().queries.get_run(int(run_id))
    except (ValueError, OverflowError, RunNotFoundError):
        st.warning(f"There is no run {markdown.escape(run_id)}. Showing the latest instead.", icon=":material/info:")
        return None


def go_to_run(run: Run) -> None:
    """Move from the run in the address to one that the user has started or chosen."""
    st.session_state[_MOVE_KEY] = _Move(st.session_state.get("run", ""), str(run.id), time.monotonic())
    set_run(run)


def set_run(run: Run) -> None:
    """Put a run into the address."""
    st.query_params["run"] = st.session_state["run"] = str(run.id)
