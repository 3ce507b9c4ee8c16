"""What the Runs page shows, kept in the session and in the page's address, so that it can be linked.

It has two halves: `table_state` is the state of the table, `widget_state` that of the widgets next to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_core.records import Run
from mnist_dashboard import services
from mnist_dashboard.runs import table_state, widget_state
from mnist_dashboard.runs.table_state import TableState
from mnist_dashboard.server.shared_constants import MAX_OVERLAID, RUN_COLORS
from mnist_dashboard.ui.state import run_address

PARAMETERS = (*table_state.PARAMETERS, *widget_state.DEFAULTS)
"""Names of this page's parameters in the address."""

_TABLE_KEY = "runs_view"
_SELECTED_KEY = "ticked_runs"
_COLORS_KEY = "run_colors"
_RESTORED_KEY = "runs_restored"
_ADDRESS_KEY = "runs_address"
"""Session key of the parameters that were last written to the address."""


def sync_with_address() -> tuple[TableState, list[Run]]:
    """Return the table's state and the selected runs, and write all state to the address.

    Archived runs leave the selection unless the table shows them, too.

    The state comes from the session, or from the address on the first visit and after Back and Forward. Widgets get
    theirs, too.
    """
    parameters = {name: st.query_params.get_all(name) for name in PARAMETERS}
    is_back = run_address.is_history_navigation()
    if is_back:
        widget_state.forget()
        st.session_state[_RESTORED_KEY] = times_restored() + 1
    widget_state.restore(parameters)
    if is_back or _TABLE_KEY not in st.session_state:
        st.session_state[_TABLE_KEY] = TableState.from_address(parameters)
        st.session_state[_SELECTED_KEY] = table_state.selected_runs(parameters)
        unreadable = table_state.unreadable_parameters(parameters) + widget_state.unreadable_parameters(parameters)
        if unreadable:
            st.warning(f"The address has something unreadable in {', '.join(unreadable)}. The rest is shown.")
    table: TableState = st.session_state[_TABLE_KEY]
    selected = services.current().queries.get_runs(st.session_state[_SELECTED_KEY])
    if hidden := {run.id for run in selected if run.archived and not table.archived}:
        st.session_state[_SELECTED_KEY] = [id for id in st.session_state[_SELECTED_KEY] if id not in hidden]
    _write_address(parameters, table.to_address(st.session_state[_SELECTED_KEY]) | widget_state.to_address())
    return table, [run for run in selected if run.id not in hidden]


def times_restored() -> int:
    """How often Back or Forward has restored an earlier state in this session."""
    return int(st.session_state.get(_RESTORED_KEY, 0))


def take_selection(sent: Mapping[str, Any]) -> None:
    """Select the runs that the browser sent."""
    select_runs(sent["ids"])


def select_runs(ids: Sequence[int]) -> None:
    """Select these runs, from the next rerun on."""
    st.session_state[_SELECTED_KEY] = list(ids)


def open_with(ids: Sequence[int]) -> None:
    """Select these runs, also if the page has not been open yet. Call it before `sync_with_address`."""
    select_runs(ids)
    st.query_params["runs"] = ",".join(map(str, ids))


def set_table(browser_view: Mapping[str, Any]) -> None:
    """Store the table's state that the browser sent, for the next rerun."""
    st.session_state[_TABLE_KEY] = TableState.from_browser(browser_view)


def assign_colors(selected: Sequence[int]) -> dict[int, int]:
    """A colour index for each run that is drawn. A run keeps its colour while it is selected.

    Each run has a colour of its own, by its number; if another run has it, the next free one. Only the first
    `MAX_OVERLAID` runs are drawn.
    """
    previous: dict[int, int] = st.session_state.get(_COLORS_KEY, {})
    drawn = selected[:MAX_OVERLAID]
    colors = {run_id: previous[run_id] for run_id in drawn if run_id in previous}
    for run_id in drawn:
        if run_id not in colors:
            own = [(run_id - 1 + offset) % RUN_COLORS for offset in range(RUN_COLORS)]
            indices = [index + dashed for dashed in range(0, MAX_OVERLAID, RUN_COLORS) for index in own]
            colors[run_id] = next(index for index in indices if index not in colors.values())
    st.session_state[_COLORS_KEY] = colors
    return colors


def _write_address(current: Mapping[str, Sequence[str]], state: Mapping[str, str | list[str]]) -> None:
    """Set all of this page's parameters at once.

    Even if the address seems right already, it is written again unless this page wrote it: an earlier, different one
    may still be on its way to the browser.
    """
    parameters = {name: [values] if isinstance(values, str) else values for name, values in state.items()}
    is_current = parameters == {name: list(values) for name, values in current.items() if values}
    if is_current and parameters == st.session_state.get(_ADDRESS_KEY, parameters):
        return
    st.session_state[_ADDRESS_KEY] = parameters
    others = {name: st.query_params.get_all(name) for name in st.query_params if name not in PARAMETERS}
    st.query_params.from_dict(others | parameters)
