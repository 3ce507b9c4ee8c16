"""Runs out to other programs and machines, and in from them: what the Runs page offers beside the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from dashboard import prose, services
from mnist_core.errors import MnistError
from mnist_core.exports.formats import FORMATS
from mnist_core.records import Run

READY_KEY = "exported"


def export(selected: Sequence[Run]) -> None:
    """Choose a format, have the file made, download it."""
    with st.popover("Export", icon=":material/download:", disabled=not selected):
        name = st.selectbox("Format", list(FORMATS), format_func=lambda one: FORMATS[one].label, key="export_format")
        wanted = (name, tuple(run.id for run in selected))
        if st.button("Prepare the file", icon=":material/settings:"):
            st.session_state.pop(READY_KEY, None)
            with st.spinner("Preparing the file. What holds weights is made by a process of its own…"):
                try:
                    path = services.current().control.export(wanted[1], name)
                    st.session_state[READY_KEY] = wanted, str(path)
                except MnistError as error:
                    st.error(prose.literal(str(error)))
        ready = st.session_state.get(READY_KEY)
        if ready and ready[0] == wanted:
            path = Path(ready[1])
            st.download_button(f"Download {prose.literal(path.name)}", path.read_bytes, path.name, on_click="ignore")
        else:
            st.caption(f"{len(selected)} selected. The file is also kept in the folder of the runs.")


def take_in() -> None:
    """Add the runs of an archive that was exported elsewhere."""
    with st.popover("Import", icon=":material/upload:"):
        st.caption("Runs that another machine exported as an archive. They are added; nothing here is replaced.")
        uploaded = st.file_uploader("Archive of runs", type="zip", key="import_file")
        if uploaded and st.button("Import these runs", type="primary"):
            try:
                added = services.current().control.import_file(uploaded)
            except MnistError as error:
                st.error(prose.literal(str(error)))
            else:
                st.success(f"Added {', '.join(prose.literal(run.name) for run in added[:5])}, {len(added)} in all.")
