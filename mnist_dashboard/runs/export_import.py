"""Runs out to other programs and machines, and in from them: what the Runs page offers beside the table."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from mnist_core.exports.formats import FORMATS, file_name, write_file
from mnist_core.records import Run
from mnist_dashboard import access, services
from mnist_dashboard.ui import markdown, messages

EXPORT_KEY = "exported"
EXPORT_PLACE, IMPORT_PLACE = "export", "import"
TABLES = ("csv", "parquet", "curves-csv", "curves-parquet")
"""What those who only watch may take along: made beside the store, it changes nothing there."""

MAX_VIEWER_STEPS = 250_000
"""How many batches there are at most in curves for them: a file is kept in memory while their page is open."""


def render_export(selected: Sequence[Run]) -> None:
    """Choose a format, have the file made, download it."""
    with st.popover("Export", icon=":material/download:", disabled=not selected):
        offered = list(FORMATS) if access.may_act() else TABLES
        name = st.selectbox("Format", offered, format_func=lambda one: FORMATS[one].label, key="export_format")
        wanted = (name, tuple(run.id for run in selected))

        def prepare() -> None:
            st.session_state[EXPORT_KEY] = wanted, *_export(selected, name)

        if st.button("Prepare the file", icon=":material/settings:"):
            st.session_state.pop(EXPORT_KEY, None)
            with st.spinner("Preparing the file. What holds weights is made by a process of its own…"):
                messages.attempt(prepare, place=EXPORT_PLACE)
        messages.render(EXPORT_PLACE)
        ready = st.session_state.get(EXPORT_KEY)
        if ready and ready[0] == wanted:
            _, called, content = ready
            st.download_button(f"Download {markdown.escape(called)}", content, called, on_click="ignore")
        elif access.may_act():
            st.caption(f"{len(selected)} selected. The file is also kept in the folder of the runs, for a day.")


def _export(runs: Sequence[Run], name: str) -> tuple[str, bytes]:
    """What the file is called, and what is in it. Raises `MnistError`."""
    if access.may_act():
        path = services.current().actions.export([run.id for run in runs], name)
        return path.name, path.read_bytes()
    steps = sum(run.progress.step for run in runs)
    if name.startswith("curves") and steps > MAX_VIEWER_STEPS:
        raise access.NotAllowedError(
            f"These runs have {steps:,} batches, and whoever watches gets at most {MAX_VIEWER_STEPS:,} in a file. "
            "Select fewer runs, or ask the owner."
        )
    access.require_export_quota()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file_name(name, runs)
        write = FORMATS[name].write
        assert write, "only tables are offered to those who watch, and they take no torch"
        write_file(services.current().queries, runs, write, path)
        return path.name, path.read_bytes()


def render_import() -> None:
    """Add the runs of an archive that was exported elsewhere."""
    with st.popover("Import", icon=":material/upload:"):
        st.caption("Runs that another machine exported as an archive. They are added; nothing here is replaced.")
        uploaded = st.file_uploader("Archive of runs", type="zip", key="import_file")
        if uploaded and st.button("Import these runs", type="primary"):
            messages.attempt(
                lambda: services.current().actions.import_file(uploaded), _describe_imported, place=IMPORT_PLACE
            )
        messages.render(IMPORT_PLACE)


def _describe_imported(runs: Sequence[Run]) -> str:
    return f"Added {', '.join(markdown.escape(run.name) for run in runs[:5])}, {len(runs)} in all."
