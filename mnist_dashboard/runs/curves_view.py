"""The curves of the selected runs, overlaid: what is drawn, over what, and how it is compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import streamlit as st

from mnist_core.records import Run
from mnist_dashboard.components.live_chart import ChartRun, live_chart
from mnist_dashboard.runs.widget_state import AXES, FIELDS

CHART_HEIGHT = 400
SMALL_HEIGHT = 210
SMALL_COLUMNS = 3
EMPTY = "Select rows to compare their curves."


def render_curves(runs: Sequence[Run], colors: Mapping[int, int], baseline: Run | None) -> None:
    """Controls (see `choices`) and the charts of `runs`."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools"):
        fields = st.segmented_control(
            "What is drawn",
            list(FIELDS),
            selection_mode="multi",
            key="curves",
            label_visibility="collapsed",
        )
        axis = st.segmented_control(
            "Over what",
            list(AXES),
            required=True,
            key="over",
            label_visibility="collapsed",
        )
        assert axis
        st.space("stretch")
        logx = st.toggle("Log x", key="logx")
        logy = st.toggle("Log y", key="logy")
        difference = st.toggle(
            "Difference",
            key="difference",
            disabled=baseline is None,
            help="How far each run is from the baseline. To set one, select a run and press Set as baseline.",
        )
        bands = st.toggle(
            "Seeds as bands",
            key="bands",
            help="Draws runs that differ only in their seeds as their mean, with one standard deviation to each side.",
        )
        small = st.toggle("Small multiples", key="small", help="One chart a run, with the same axes.")
        smoothing = _smoothing()
    draw = partial(
        live_chart,
        runs=[ChartRun(id=run.id, name=run.name, color=colors[run.id]) for run in runs],
        total_steps=max((run.total_steps for run in runs), default=0),
        smoothing=smoothing,
        log=logy,
        x=AXES[axis],
        logx=logx,
        baseline=baseline.id if baseline and difference else None,
        bands=bands,
        best=True,
        xtitle=True,
        uirevision=f"overlay-{axis}-{logx}-{difference}",
        empty=EMPTY,
    )
    chosen = [name for name in FIELDS if name in fields] or ["Loss"]
    if small and len(runs) > 1:
        _small_multiples(runs, chosen, draw)
    else:
        _large(chosen, draw)


def _smoothing() -> float:
    st.markdown(f":small[Smoothing {st.session_state['smoothed']:.2f}]", width="content")
    with st.container(width=110, key="smooth"):
        return st.slider("Smoothing", 0.0, 0.99, step=0.01, key="smoothed", label_visibility="collapsed")


def _large(names: Sequence[str], draw: Callable[..., None]) -> None:
    for first in range(0, len(names), 2):
        pair = names[first : first + 2]
        for column, name in zip(st.columns(len(pair), gap="medium"), pair, strict=True):
            with column:
                draw(name, FIELDS[name], height=CHART_HEIGHT, key=f"overlay_{FIELDS[name]}")


def _small_multiples(runs: Sequence[Run], names: Sequence[str], draw: Callable[..., None]) -> None:
    for name in names:
        for first in range(0, len(runs), SMALL_COLUMNS):
            for column, run in zip(st.columns(SMALL_COLUMNS, gap="small"), runs[first:], strict=False):
                with column:
                    draw(
                        f"{name}, {run.name}",
                        FIELDS[name],
                        height=SMALL_HEIGHT,
                        legend=False,
                        only=run.id,
                        key=f"small_{FIELDS[name]}_{run.id}",
                    )
