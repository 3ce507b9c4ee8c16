"""The Export and Import buttons: runs as files for other programs and machines, and runs from another machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from mnist_core.errors import ConfigError
from mnist_core.exports.formats import FORMATS
from mnist_core.exports.server_exports import export_for_server
from mnist_core.records import Run
from mnist_dashboard import access, services
from mnist_dashboard.server.downloads import download_url, viewer_exports_dir
from mnist_dashboard.ui import markdown, messages

EXPORT_PLACE, IMPORT_PLACE = "export", "import"
"""Places of the messages in the two popovers."""

VIEWER_FORMATS = ("csv", "parquet", "curves-csv", "curves-parquet")
"""Formats for viewers: tables, which need no other process."""

MAX_VIEWER_STEPS = 250_000
"""Maximum number of batches in a viewer's file of curves."""

_FILE_KEY = "exported"
"""Session key of the file that is ready: what was exported, and its path."""


def render_export(selected: Sequence[Run], *, may_grow: bool = False) -> None:
    """Draw the button with which users choose a format, prepare the file and download it.

    With `may_grow`, runs may begin without the page being drawn again, so the button is there from the start.
    """
    with st.popover("Export", icon=":material/download:", disabled=not selected and not may_grow):
        formats = list(FORMATS) if access.may_act() else VIEWER_FORMATS
        format_name = st.selectbox("Format", formats, format_func=lambda name: FORMATS[name].label, key="export_format")
        export = (format_name, tuple(run.id for run in selected))

        def prepare() -> None:
            if not selected:
                raise ConfigError("runs", "There is nothing to export yet: no run has begun.")
            st.session_state[_FILE_KEY] = export, _write_export(selected, format_name)

        if st.button("Prepare the file", icon=":material/settings:"):
            st.session_state.pop(_FILE_KEY, None)
            with st.spinner("Preparing the file. A separate process writes files that contain weights…"):
                messages.attempt(prepare, place=EXPORT_PLACE)
        messages.render(EXPORT_PLACE)
        file = st.session_state.get(_FILE_KEY)
        if file and file[0] == export:
            path = file[1]
            st.link_button(f"Download {markdown.escape(path.name)}", download_url(path), icon=":material/download:")
        elif access.may_act() and selected:
            st.caption(f"{len(selected)} selected. The runs folder keeps the file for a day, too.")


def _write_export(runs: Sequence[Run], format_name: str) -> Path:
    """Return the file, which the server keeps for a day. Raises `MnistError`."""
    if access.may_act():
        return services.current().actions.export([run.id for run in runs], format_name)
    steps = sum(run.progress.step for run in runs)
    if format_name.startswith("curves") and steps > MAX_VIEWER_STEPS:
        raise access.NotAllowedError(
            f"These runs have {steps:,} batches, and a viewer can export at most {MAX_VIEWER_STEPS:,} at once. "
            "Select fewer runs, or ask the owner."
        )
    access.require_export_quota()
    assert format_name in VIEWER_FORMATS
    path = export_for_server(services.current().queries, runs, format_name, viewer_exports_dir())
    access.audit_action("export", (*(run.id for run in runs), format_name))
    return path


def render_import() -> None:
    """Draw the button with which users add the runs of an archive from another machine."""
    with st.popover("Import", icon=":material/upload:"):
        st.caption(
            "Adds runs that another machine exported; it replaces none of the runs here. To make the file, tick runs "
            f"on the other machine's Runs page, and choose “{FORMATS['archive'].label}” under Export."
        )
        uploaded = st.file_uploader("Archive of runs", type="zip", key="import_file")
        if uploaded and st.button("Import these runs", type="primary"):
            messages.attempt(
                lambda: services.current().actions.import_file(uploaded), _describe_imported, place=IMPORT_PLACE
            )
        messages.render(IMPORT_PLACE)


def _describe_imported(runs: Sequence[Run]) -> str:
    names = ", ".join(markdown.escape(run.name) for run in runs[: messages.MAX_NAMES])
    return f"Added {names}, {len(runs)} in all."
