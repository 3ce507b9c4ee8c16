"""The view Details: everything about the run in tables and texts, and what only this view offers beside the switch."""

from __future__ import annotations

import streamlit as st

from mnist_core.records import Run
from mnist_dashboard import services
from mnist_dashboard.details import details_view
from mnist_dashboard.runs import export_import
from mnist_dashboard.ui.state import run_address


def render_controls(run: Run) -> None:
    """A select box that leads to the details of any other run, and the export of this one."""
    names = {run.id: run.name} | services.current().queries.list_names()
    key = f"details_run_{run.id}"

    def go_to_chosen_run() -> None:
        chosen = st.session_state[key]
        if chosen in names:
            run_address.go_to_run(services.current().queries.get_run(chosen))
        else:  # the browser sends the old name of a run that somebody has just renamed, as if the reader had chosen it
            st.session_state[key] = run.id

    st.selectbox(
        "Run",
        list(names),
        format_func=names.__getitem__,
        key=key,
        on_change=go_to_chosen_run,
        label_visibility="collapsed",
        width=240,
    )
    export_import.render_export([run])


def render_details(run: Run | None) -> None:
    """Draw the view of a run; without one, say what it will show."""
    if run is None:
        st.info("Settings, results and the origin of a run show here, and notes on it.", icon=":material/description:")
        return
    details_view.render_run(run)
