"""The status strip: status and numbers of one run, live."""

from __future__ import annotations

from typing import TypedDict

from mnist_dashboard.components.registry import ignore_value, register
from mnist_dashboard.feed.run_summary import RunSummary

_render = register("status_strip", "status_strip/status_strip.css")


class IdleRun(TypedDict):
    """The run that the settings would make, shown while there is no run."""

    epochs: int
    total_steps: int
    detail: str


def status_strip(
    run: RunSummary | None,
    *,
    idle: IdleRun,
    smoothing: float,
    follows_changes: bool,
    key: str = "strip",
) -> None:
    """Show the status and numbers of a run; without a run, show `idle`.

    The browser reruns the page once when the run's status or attempt differs from the one given here, and when another
    run appears or changes its status; with `follows_changes` also when settings of the run change.
    """
    data = {
        "run": run,
        "idle": idle,
        "smoothing": smoothing,
        "follows_changes": follows_changes,
    }
    _render(key=key, data=data, on_changed_change=ignore_value)
