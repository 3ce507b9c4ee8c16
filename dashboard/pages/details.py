"""The Details page: everything about the run that the address names."""

from __future__ import annotations

import streamlit as st

from dashboard import addressed, details, exports_panel, manage, prose, services
from mnist_core.records import Run

store = services.current().store


def choose(run: Run) -> None:
    """A select box with every run; another choice changes the address."""
    names = {run.id: run.name} | store.list_names()
    key = f"details_run_{run.id}"

    def go() -> None:
        addressed.go_to(store.get_run(st.session_state[key]))

    st.selectbox(
        "Run",
        list(names),
        format_func=names.__getitem__,
        key=key,
        on_change=go,
        label_visibility="collapsed",
        width=320,
    )


run = addressed.run_in_address() or store.latest_run()
if run is None:
    manage.without_runs()
    st.stop()

addressed.name(run)
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="details_tools"):
    choose(run)
    st.page_link(
        "pages/train.py", label="Show its curves", icon=":material/show_chart:", query_params={"run": str(run.id)}
    )
    st.space("stretch")
    exports_panel.export([run])
if run.deleted_at:
    st.warning(f"{prose.literal(run.name)} is in the bin. Restore it on the Runs page.", icon=":material/delete:")
manage.outcome()
details.of(run)
