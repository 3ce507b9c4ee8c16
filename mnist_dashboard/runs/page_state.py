"""What the Runs page shows, kept in the session and in the page's address: table, selected runs, choices, colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_dashboard.runs import widget_state
from mnist_dashboard.runs.table_state import PARAMETERS, TableState, selected_runs, unreadable_parameters
from mnist_dashboard.server.shared_constants import MAX_OVERLAID

ADDRESSED = (*PARAMETERS, *widget_state.DEFAULTS)
_WRITTEN_KEY = "runs_address"


def current_view() -> tuple[TableState, list[int]]:
    """The view and the selected runs: the session's, else what the address says. The address is made to say them.

    The widgets beside the table are given what was chosen with them; see `choices`.
    """
    parameters = {name: st.query_params.get_all(name) for name in ADDRESSED}
    widget_state.restore(parameters)
    if "runs_view" not in st.session_state:
        st.session_state["runs_view"] = TableState.from_address(parameters)
        st.session_state["ticked_runs"] = selected_runs(parameters)
        if wrong := [*unreadable_parameters(parameters), *widget_state.unreadable_parameters(parameters)]:
            st.warning(f"The address has something unreadable in {', '.join(wrong)}. The rest is shown.")
    view: TableState = st.session_state["runs_view"]
    ticked: list[int] = st.session_state["ticked_runs"]
    _write_address(parameters, view.to_address(ticked) | widget_state.to_address())
    return view, ticked


def select_runs(ids: Sequence[int]) -> None:
    """Tick these runs, as of the next drawing."""
    st.session_state["ticked_runs"] = list(ids)


def set_view(told: Mapping[str, Any]) -> None:
    """Show the table as its reader told, as of the next drawing."""
    st.session_state["runs_view"] = TableState.from_browser(told)


def assign_colors(chosen: Sequence[int]) -> dict[int, int]:
    """One colour per ticked run, kept as long as it stays ticked; a new one takes the first that is free."""
    held: dict[int, int] = st.session_state.get("run_colors", {})
    drawn = chosen[:MAX_OVERLAID]
    colors = {run_id: held[run_id] for run_id in drawn if run_id in held}
    for run_id in drawn:
        if run_id not in colors:
            colors[run_id] = next(index for index in range(MAX_OVERLAID) if index not in colors.values())
    st.session_state["run_colors"] = colors
    return colors


def _write_address(read: Mapping[str, Sequence[str]], wanted: Mapping[str, str | list[str]]) -> None:
    """Have the address say what is wanted, all at once.

    Also when it seems to say so: what was written before may be on its way to the browser, and says something else.
    """
    said = {name: [texts] if isinstance(texts, str) else texts for name, texts in wanted.items()}
    if said == {name: list(texts) for name, texts in read.items() if texts} == st.session_state.get(_WRITTEN_KEY, said):
        return
    st.session_state[_WRITTEN_KEY] = said
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in ADDRESSED}
    st.query_params.from_dict(others | said)
