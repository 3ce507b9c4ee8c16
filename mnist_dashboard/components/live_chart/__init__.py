"""A chart of one quantity of one or several runs, live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from mnist_dashboard.components.registry import register

Field = Literal["loss", "accuracy", "lr", "examples_per_second"]
Axis = Literal["step", "epoch", "images", "time"]

_render = register("live_chart")


class ChartRun(TypedDict):
    """A run to draw; `color` is an index into the theme's categorical colours, used when there are several runs."""

    id: int
    name: str
    color: int


class Ghost(TypedDict):
    """The previous run, whose smoothed curve is drawn in grey behind the only run."""

    id: int
    name: str


class Fault(TypedDict):
    """The step at which a run went wrong: a red line, labelled with `text` unless it is empty."""

    step: int
    text: str


def live_chart(
    title: str,
    field: Field,
    runs: Sequence[ChartRun],
    *,
    total_steps: int,
    smoothing: float,
    log: bool = False,
    x: Axis = "step",
    logx: bool = False,
    baseline: int | None = None,
    bands: bool = False,
    best: bool = False,
    only: int | None = None,
    ghost: Ghost | None = None,
    height: int,
    xtitle: bool = False,
    epochs: Sequence[int] = (),
    empty: str | None = None,
    legend: bool = True,
    fault: Fault | None = None,
    cursor: int | None = None,
    uirevision: str = "",
    key: str,
) -> None:
    """Draw one quantity of one run (each batch, smoothed, and evaluations) or of several runs, overlaid.

    `baseline` draws the differences to the run with that id. `bands` draws runs that differ only in their seeds as
    their mean, with one standard deviation to each side. `best` marks the best evaluation of each of several runs with
    a ring. `only` draws the run with that id alone, or with `bands` its group, in the axes of all. `ghost` draws the
    previous run behind a single one, as far as its axis goes. `epochs` are the steps at which epochs end.
    `cursor` marks a step. `empty` is the text shown while there is no data. Zoom, pan and hidden traces are kept while
    `uirevision` stays the same: name the content with it, e.g. the run. `height` is in pixels.
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
        "ghost": ghost,
        "height": height,
        "xtitle": xtitle,
        "epochs": list(epochs),
        "total_steps": total_steps,
        "empty": empty,
        "legend": legend,
        "fault": fault,
        "cursor": cursor,
        "uirevision": uirevision,
    }
    _render(key=key, data=data)
