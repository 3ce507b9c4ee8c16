"""The status strip: status and numbers of one run, live."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypedDict

import streamlit as st

from mnist_core.records import Run
from mnist_dashboard.components.registry import ignore_value, register
from mnist_dashboard.feed.summaries.run_summary import RunSummary

_render = register("status_strip", "status_strip/status_strip.css")


class IdleRun(TypedDict):
    """The run that the settings would make, shown while there is no run."""

    epochs: int
    total_steps: int
    detail: str
    hint: str
    """What to do to start it."""


def status_strip(
    run: RunSummary | None,
    *,
    idle: IdleRun,
    unfinished: Sequence[Run] = (),
    smoothing: float,
    may_act: bool,
    follows_numbers: bool = False,
    follows_others: bool = False,
    compact: bool = False,
    on_remedy: Callable[[str], object],
    on_see: Callable[[str], object],
    key: str = "strip",
) -> None:
    """Show the status and numbers of a run, and one sentence on it; without a run, show `idle`.

    A press on the sentence's button calls `on_remedy` with the id of the remedy. A press on See them calls `on_see`
    with the cell of the confusion matrix that the sentence names, such as `9-4`.

    The browser reruns the page once when the run's status or attempt differs from the one given here, and when a run
    that is not in `unfinished` appears or one of those changes its status; for viewers also when settings of the run
    change. With `follows_numbers` it reruns the page every few seconds while the run's numbers change. With
    `follows_others`, a rerun moves on to another run in progress: the browser requests none while the user fills in a
    form. `compact` shows only the most important cells on a narrow page.
    """
    data = {
        "run": run,
        "idle": idle,
        "known": [f"{run.id}/{run.attempt}/{run.status}" for run in unfinished],
        "smoothing": smoothing,
        "follows_changes": not may_act,
        "follows_numbers": follows_numbers,
        "follows_others": follows_others,
        "may_act": may_act,
        "compact": compact,
    }
    _render(
        key=key,
        data=data,
        on_changed_change=ignore_value,
        on_remedy_change=lambda: on_remedy(str(st.session_state[key]["remedy"])),
        on_see_change=lambda: on_see(str(st.session_state[key]["see"])),
    )
