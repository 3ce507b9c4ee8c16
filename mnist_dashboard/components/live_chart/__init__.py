"""A chart of one quantity, of one run or several, live."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypedDict

from mnist_dashboard.components.registry import register
from mnist_dashboard.server.shared_constants import DEFAULT_SMOOTHING

Field = Literal["loss", "accuracy", "lr", "examples_per_second"]
Axis = Literal["step", "epoch", "images", "time"]

_render = register("live_chart")


class ChartRun(TypedDict):
    """One run to draw; `color` is its index in the theme's categorical colours (used when several are drawn)."""

    id: int
    name: str
    color: int


class Fault(TypedDict):
    """Where a run went wrong: a red line at `step`, with `text` beside it (an empty text draws the line alone)."""

    step: int
    text: str


def live_chart(
    title: str,
    field: Field,
    runs: Sequence[ChartRun],
    *,
    total_steps: int,
    smoothing: float = DEFAULT_SMOOTHING,
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
    _render(key=key, data=data)
