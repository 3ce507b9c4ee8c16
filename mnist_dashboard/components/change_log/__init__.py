"""The settings that were changed during a run, live."""

from __future__ import annotations

from mnist_dashboard.components.registry import ignore_value, register
from mnist_dashboard.feed.run_summary import RunSummary

_render = register("change_log", "change_log/change_log.css")


def change_log(run: RunSummary, *, can_undo: bool, you: str, key: str = "changes") -> int | None:
    """List the settings that were changed during a run, live; returns the index of one to undo when that was asked.

    What was made by `you` is said to be.
    """
    result = _render(key=key, data={"run": run, "can_undo": can_undo, "you": you}, on_undo_change=ignore_value)
    undone = result.get("undo")
    return None if undone is None else int(undone)
