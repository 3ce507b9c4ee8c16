"""The live parts of the pages, as Streamlit components: status strip, charts, confusion matrix, table of runs.

Each is mounted once and then fed by the live feed in the browser, so a running run costs no Streamlit reruns. This
module only registers them and types what Python hands over; their browser side is in `static/`. A key keeps a
component mounted across reruns: give each place on a page its own, and the same one every time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, TypedDict

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

from mnist_dashboard.server.assets import PACKAGE, asset_url

RunSummary = Mapping[str, Any]
"""One run as the live feed's `run` event describes it: id, name, status, attempt, settings, step, loss, …"""


class IdleRun(TypedDict):
    """What the strip shows while there is no run: the run that the settings would make."""

    epochs: int
    total_steps: int
    detail: str


Field = Literal["loss", "accuracy", "lr", "examples_per_second"]
Axis = Literal["step", "epoch", "images", "time"]


class ChartRun(TypedDict):
    """One run to draw; `color` is its index in the theme's categorical colours (used when several are drawn)."""

    id: int
    name: str
    color: int


class Fault(TypedDict):
    """Where a run went wrong: a red line at `step`, with `text` beside it (an empty text draws the line alone)."""

    step: int
    text: str


class Dimension(TypedDict):
    """One axis of parallel coordinates: where each run lies on it, from 0 to 1, and what is written beside it."""

    label: str
    places: list[float]
    ticks: list[tuple[float, str]]


def _component(name: str, css: str = "") -> ComponentRenderer:
    """Register the component whose browser side is `<name>/<name>.js`, loaded by `bootstrap.js`."""
    folder = PACKAGE / "components"
    bootstrap = (folder / "bootstrap.js").read_text(encoding="utf-8")
    return st.components.v2.component(
        name,
        js=bootstrap.replace('"__MODULE_URL__"', json.dumps(asset_url(f"components/{name}/{name}.js"))),
        css=(folder / css).read_text(encoding="utf-8") if css else None,
        isolate_styles=False,
    )


_STRIP = _component("status_strip", "status_strip/status_strip.css")
_CHART = _component("live_chart")
_MATRIX = _component("confusion_matrix", "confusion_matrix/confusion_matrix.css")
_CHANGES = _component("change_log", "change_log/change_log.css")
_PARALLEL = _component("parallel_coordinates", "parallel_coordinates/parallel_coordinates.css")
_TABLE = _component("run_table", "run_table/run_table.css")
_FIRST_RUN = _component("first_run")
_AUDIENCE = _component("audience", "audience/audience.css")
_OWNER_LINK = _component("owner_link", "audience/audience.css")


def _ignore() -> None:
    """Streamlit returns a value of a component only if it has a callback; the rerun itself is all that is wanted."""


def status_strip(
    run: RunSummary | None,
    *,
    idle: IdleRun | None = None,
    smoothing: float = 0.95,
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
    changed = _STRIP(key=key, data=data, on_changed_change=_ignore).get("changed")
    return str(changed) if changed is not None else None


def live_chart(
    title: str,
    field: Field,
    runs: Sequence[ChartRun],
    *,
    total_steps: int,
    smoothing: float = 0.95,
    log: bool = False,
    x: Axis = "step",
    logx: bool = False,
    baseline: int | None = None,
    bands: bool = False,
    best: bool = False,
    only: int | None = None,
    height: int = 328,
    xtitle: bool = False,
    epochs: Sequence[int] = (),
    empty: str | None = None,
    legend: bool = True,
    fault: Fault | None = None,
    uirevision: str = "",
    key: str,
) -> None:
    """Draw one quantity of one run (each batch, smoothed, evaluations) or of several, overlaid.

    With a `baseline`, the differences to that run are drawn; with `bands`, runs that differ only in their seeds as a
    mean with one standard deviation to each side; with `best`, a ring marks the best evaluation of each of several
    runs; with `only`, one of the runs is drawn in the axes of all. `epochs` are the steps at which epochs end. `empty`
    is written into the chart as long as it has no data. Zoom, pan and hidden traces are kept while `uirevision` stays
    the same: let it name what is shown, e.g. the run.
    """
    data = {
        "title": title,
        "field": field,
        "runs": list(runs),
        "smoothing": smoothing,
        "log": log,
        "x": x,
        "logx": logx,
        "baseline": baseline,
        "bands": bands,
        "best": best,
        "only": only,
        "height": height,
        "xtitle": xtitle,
        "epochs": list(epochs),
        "total_steps": total_steps,
        "empty": empty,
        "legend": legend,
        "fault": fault,
        "uirevision": uirevision,
    }
    _CHART(key=key, data=data)


def confusion_matrix(
    run: int | None,
    *,
    empty: str | None = None,
    height: int = 372,
    key: str = "confusion",
) -> None:
    """Draw which digit was read as which, over the last batches or in one evaluation, and name the worst mix-ups.

    Which of these, and counts or shares of a row, is chosen in the component itself. `empty` is written into it as long
    as it has no data.
    """
    data = {"run": run, "empty": empty, "height": height}
    _MATRIX(key=key, data=data)


def changes_list(run: RunSummary, *, can_undo: bool, you: str, key: str = "changes") -> int | None:
    """List the settings that were changed during a run, live; returns the index of one to undo when that was asked.

    What was made by `you` is said to be.
    """
    result = _CHANGES(key=key, data={"run": run, "can_undo": can_undo, "you": you}, on_undo_change=_ignore)
    undone = result.get("undo")
    return None if undone is None else int(undone)


def parallel_coordinates(
    dimensions: Sequence[Dimension], names: Sequence[str], *, height: int, key: str = "parallel"
) -> None:
    """Draw a line a run through axes that can be brushed; the last one is the result, which colours the lines."""
    _PARALLEL(key=key, data={"dimensions": list(dimensions), "names": list(names), "height": height})


def runs_table(
    view: Mapping[str, Any],
    *,
    selected: Sequence[int] = (),
    colors: Mapping[int, int] | None = None,
    known: Mapping[int, str] | None = None,
    on_selected: Callable[[list[int]], None],
    on_view: Callable[[dict[str, Any]], None],
    key: str = "runs_table",
) -> None:
    """Show all runs as a table, live; tell which ids are ticked, and how the reader wants to see the table.

    The rows reach the browser by a route of their own (`dashboard/run_list.py`). `selected` and `view` are what the
    table begins with: store what is told and pass it in again, for Streamlit forgets a component's state when the
    reader changes the page. It is told in callbacks, before the page is drawn, so that it is drawn once, with that.
    `colors` maps the id of a run that is drawn in a chart to its colour index. `known` maps the ids of runs that the
    page says more of to `attempt/status`: when that is no longer so, there is one rerun.
    """
    data = {
        "view": view,
        "selected": list(selected),
        "colors": {str(run): color for run, color in (colors or {}).items()},
        "known": {str(run): state for run, state in (known or {}).items()},
    }
    _TABLE(
        key=key,
        data=data,
        on_selected_change=lambda: on_selected(list(st.session_state[key]["selected"])),
        on_view_change=lambda: on_view(dict(st.session_state[key]["view"])),
        on_changed_change=_ignore,
    )


def first_run(*, key: str = "first_run") -> None:
    """Draw nothing; when there is a run, there is one rerun."""
    _FIRST_RUN(key=key, data={}, on_changed_change=_ignore)


def audience(*, may_act: bool, key: str = "audience") -> None:
    """Say whether whoever looks may act, how many are watching and who acted last, live."""
    _AUDIENCE(key=key, data={"may_act": may_act})


def owner_link(link: str, *, follow: bool, key: str = "owner_link") -> None:
    """A button that copies the owner link, which is not shown. With `follow` the page goes there itself, at once."""
    _OWNER_LINK(key=key, data={"link": link, "follow": follow})
