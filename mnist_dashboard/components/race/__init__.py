"""A race, live: its strip, its lanes and its charts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypedDict

import streamlit as st

from mnist_dashboard.components.registry import ignore_value, register
from mnist_dashboard.feed.summaries.run_summary import RunSummary

_render = register("race", "status_strip/status_strip.css", "race/race.css")

Part = Literal["strip", "lanes", "charts"]


class RaceLane(TypedDict):
    """A lane, called by what differs; `color` is its number, from 0, and `link` the address of its run."""

    id: int
    name: str
    color: int
    link: str


class ShownRace(TypedDict):
    """What all parts of a page show of a race."""

    id: int
    name: str
    detail: str
    """How many lanes there are, and what differs."""
    lanes: Sequence[RaceLane]
    runs: Sequence[RunSummary]
    """Those of the lanes, in the same order."""
    statuses: Sequence[str]
    """Statuses of runs, the one first that says most about a race."""
    smoothing: float
    follows: bool
    """Whether the page moves on to a newer race."""


def race_part(
    part: Part,
    race: ShownRace,
    *,
    may_act: bool,
    on_apply: Callable[[int], object] = lambda _run: None,
    on_stop: Callable[[int], object] = lambda _run: None,
    on_open: Callable[[int], object] = lambda _run: None,
) -> None:
    """Draw the strip with one sentence, the lanes with the leader first, or the loss and the distance to the leader.

    `on_apply`, `on_stop` and `on_open` are called with the number of the run whose settings, end or page the user asks
    for. The strip has the page rerun when a lane is in another status than in `race`. Draw each part once.
    """
    key = f"race_{part}"

    def run_asked_for(name: str) -> int:
        return int(st.session_state[key][name])

    data: dict[str, Any] = {"part": part, **race, "may_act": may_act}
    _render(
        key=key,
        data=data,
        on_changed_change=ignore_value,
        on_apply_change=lambda: on_apply(run_asked_for("apply")),
        on_stop_change=lambda: on_stop(run_asked_for("stop")),
        on_open_change=lambda: on_open(run_asked_for("open")),
    )
