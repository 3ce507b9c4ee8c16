"""The changes made to a run in progress, live."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from mnist_dashboard.components.registry import register
from mnist_dashboard.feed.summaries.run_summary import RunSummary

_render = register("change_log", "change_log/change_log.css")


def change_log(
    run: RunSummary, *, can_undo: bool, you: str, on_undo: Callable[[int], object], key: str = "changes"
) -> None:
    """List the changes made to a run. A press on Undo calls `on_undo` with the index of the change.

    Changes by the user called `you` are marked as yours.
    """
    _render(
        key=key,
        data={"run": run, "can_undo": can_undo, "you": you},
        # In a callback, because another rerun may interrupt the script before it gets here.
        on_undo_change=lambda: on_undo(int(st.session_state[key]["undo"])),
    )
