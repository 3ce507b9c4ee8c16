"""The Details page: everything about the run that the address names."""

from __future__ import annotations

import streamlit as st

from mnist_core.records import Run
from mnist_dashboard import services
from mnist_dashboard.details import details_view
from mnist_dashboard.runs import export_import, toolbar
from mnist_dashboard.ui import markdown, messages, run_address

queries = services.current().queries


def render_run_choice(run: Run) -> None:
    """A select box with all runs; choosing one changes the address."""
    names = {run.id: run.name} | queries.list_names()
    key = f"details_run_{run.id}"

    def go_to_chosen_run() -> None:
        run_address.go_to_run(queries.get_run(st.session_state[key]))

    st.selectbox(
        "Run",
        list(names),
        format_func=names.__getitem__,
        key=key,
        on_change=go_to_chosen_run,
        label_visibility="collapsed",
        width=320,
    )


run = run_address.find_run() or queries.latest_run()
if run is None:
    toolbar.render_empty_state()
    st.stop()

run_address.set_run(run)
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="details_tools"):
    render_run_choice(run)
    st.page_link(
        "pages/train.py", label="Show its curves", icon=":material/show_chart:", query_params={"run": str(run.id)}
    )
    st.space("stretch")
    export_import.render_export([run])
if run.deleted_at:
    st.warning(f"{markdown.escape(run.name)} is in the bin. Restore it on the Runs page.", icon=":material/delete:")
messages.render()
details_view.render_run(run)
