"""The changes made to a run in progress, live."""

from __future__ import annotations

from mnist_dashboard.components.registry import ignore_value, register
from mnist_dashboard.feed.run_summary import RunSummary

_render = register("change_log", "change_log/change_log.css")


def change_log(run: RunSummary, *, can_undo: bool, you: str, key: str = "changes") -> int | None:
    """List the changes made to a run; return the index of the change that the user wants to undo, else None.

    Changes by the user called `you` are marked as yours.
    """
    result = _render(key=key, data={"run": run, "can_undo": can_undo, "you": you}, on_undo_change=ignore_value)
    undone = result.get("undo")
    return None if undone is None else int(undone)
