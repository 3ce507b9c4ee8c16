"""The run that a page's address names."""

from __future__ import annotations

import streamlit as st

from dashboard import prose, services
from mnist_core.errors import RunNotFoundError
from mnist_core.records import Run


def run_in_address() -> Run | None:
    """None when it names none; when it names one that is not there, the page says so."""
    wanted = st.query_params.get("run", "")
    if not wanted:
        return None
    try:
        return services.current().store.get_run(int(wanted))
    except (ValueError, OverflowError, RunNotFoundError):
        st.warning(f"There is no run {prose.literal(wanted)}. Showing the latest instead.", icon=":material/info:")
        return None
