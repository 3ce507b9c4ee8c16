"""The status strip: state and numbers of one run, live."""

from __future__ import annotations

from typing import TypedDict

from mnist_dashboard.components.registry import ignore_value, register
from mnist_dashboard.feed.run_summary import RunSummary
from mnist_dashboard.server.shared_constants import DEFAULT_SMOOTHING

_render = register("status_strip", "status_strip/status_strip.css")


class IdleRun(TypedDict):
    """What the strip shows while there is no run: the run that the settings would make."""

    epochs: int
    total_steps: int
    detail: str


def status_strip(
    run: RunSummary | None,
    *,
    idle: IdleRun | None = None,
    smoothing: float = DEFAULT_SMOOTHING,
    color_index: int = 0,
    follows_changes: bool = False,
    key: str = "strip",
) -> str | None:
    """Show the state and the numbers of one run, live.

    Without a run it shows `idle`. When the run's status (or attempt) is no longer the one given here, and when another
    run appears or changes its status, the browser asks for one rerun, in which this returns that status; else None.
    With `follows_changes` it asks for one when settings of the run were changed, too.
    """
    data = {
        "run": run,
        "idle": idle,
        "smoothing": smoothing,
        "color_index": color_index,
        "follows_changes": follows_changes,
    }
    changed = _render(key=key, data=data, on_changed_change=ignore_value).get("changed")
    return str(changed) if changed is not None else None
