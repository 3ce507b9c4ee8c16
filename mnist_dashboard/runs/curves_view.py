"""The Curves view: the curves of the selected runs, overlaid or as small multiples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import streamlit as st

from mnist_core.analysis.seed_groups import group_names, seed_group_key
from mnist_core.analysis.smoothing import adapted_smoothing
from mnist_core.records import Run
from mnist_dashboard.components.line_key import Style, line_key
from mnist_dashboard.components.live_chart import ChartRun, live_chart
from mnist_dashboard.runs import widget_state
from mnist_dashboard.runs.widget_state import AXES, FIELDS, arguments

CHART_HEIGHT = 400
SMALL_CHART_HEIGHT = 210
SMALL_CHART_COLUMNS = 3
EMPTY_TEXT = "Select rows to compare their curves."


@dataclass(frozen=True)
class _Controls:
    """What the reader has chosen above the charts."""

    field_labels: Sequence[str]
    axis: str
    logx: bool
    logy: bool
    difference: bool
    bands: bool
    small: bool
    smoothing: float


def render_curves(runs: Sequence[Run], colors: Mapping[int, int], baseline: Run | None) -> None:
    """Draw the controls (see `widget_state`) and the charts of `runs`."""
    widget_state.set_default("over", "Epoch" if _batch_sizes_differ(runs) else "Step")
    lengths = [run.total_steps for run in runs if run.total_steps]
    widget_state.set_default("smoothed", adapted_smoothing(min(lengths, default=0)))
    controls = _render_controls(has_baseline=baseline is not None)
    draw_chart = partial(
        live_chart,
        runs=[ChartRun(id=run.id, name=run.name, color=colors[run.id]) for run in runs],
        total_steps=max((run.total_steps for run in runs), default=0),
        smoothing=controls.smoothing,
        log=controls.logy,
        x=AXES[controls.axis],
        logx=controls.logx,
        baseline=baseline.id if baseline and controls.difference else None,
        bands=controls.bands,
        best=True,
        xtitle=True,
        uirevision=f"overlay-{controls.axis}-{controls.logx}-{controls.difference}",
        empty=EMPTY_TEXT,
    )
    with st.container():  # always there: the browser would rebuild charts that a new element moves
        if len(runs) > 1 or any(colors[run.id] for run in runs):  # else colour says what a line is
            line_key(_line_styles(runs, controls.field_labels, bands=controls.bands))
    if controls.small and len(runs) > 1:
        _render_small_multiples(_small_multiples(runs, bands=controls.bands), controls.field_labels, draw_chart)
    else:
        _render_overlays(controls.field_labels, draw_chart)


def _render_controls(*, has_baseline: bool) -> _Controls:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="curve_tools"):
        field_labels = _select_fields()
        axis = _select_axis()
        st.space("stretch")
        logx = st.toggle("Log x", **arguments("logx"))
        logy = st.toggle("Log y", **arguments("logy"))
        difference = st.toggle(
            "Difference",
            **arguments("difference"),
            disabled=not has_baseline,
            help="How far each run is from the baseline. To set one, select a run and press Set as baseline.",
        )
        bands = st.toggle(
            "Seeds as bands",
            **arguments("bands"),
            help="Draws runs that differ only in their seeds as their mean, with one standard deviation to each side.",
        )
        small = st.toggle(
            "Small multiples", **arguments("small"), help="One chart for each run, all with the same axes."
        )
        return _Controls(field_labels, axis, logx, logy, difference, bands, small, smoothing=_select_smoothing())


def group_colors(runs: Sequence[Run], colors: Mapping[int, int]) -> dict[int, int]:
    """Return the colours in which `runs` are drawn: with bands, a group of seeds has that of its first run."""
    drawn = [run for run in runs if run.id in colors and not run.damage]
    groups = _seed_groups(drawn) if st.session_state["bands"] else []
    return dict(colors) | {run.id: colors[group[0].id] for group in groups for run in group}


def _batch_sizes_differ(runs: Sequence[Run]) -> bool:
    """Return whether the same step is not the same number of images in all runs."""
    sizes: set[float] = {run.config.batch_size for run in runs}
    sizes |= {change.new for run in runs for change in run.interventions if change.field == "batch_size"}
    return len(sizes) > 1


def _line_styles(runs: Sequence[Run], field_labels: Sequence[str], *, bands: bool) -> list[Style]:
    """Return the line styles that the charts of these runs use."""
    groups = _seed_groups(runs) if bands else [[run] for run in runs]
    sizes = {len(group) > 1 for group in groups}
    styles: list[Style] = []
    if False in sizes:
        styles.append("train")
    if True in sizes:
        styles.append("mean")
    if any(len({run.progress.step for run in group}) > 1 for group in groups):
        styles.append("alone")
    if {FIELDS[label] for label in field_labels} & {"loss", "accuracy"}:
        styles += ["validation", "test", "best"]
    return styles


def _seed_groups(runs: Sequence[Run]) -> list[list[Run]]:
    """Group runs of different seeds, in the order of `runs`; runs that repeat a single seed stay by themselves."""
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(seed_group_key(run), []).append(run)
    parts: list[list[Run]] = []
    for group in groups.values():
        parts += [group] if len({run.config.seed for run in group}) > 1 else [[run] for run in group]
    return parts


def _small_multiples(runs: Sequence[Run], *, bands: bool) -> list[tuple[str, int]]:
    """Return name and run id of each small chart: of each run, or with `bands` of each group by its first run."""
    if not bands:
        return [(run.name, run.id) for run in runs]
    names = group_names(runs)
    return [
        (group[0].name if len(group) == 1 else names[seed_group_key(group[0])], group[0].id)
        for group in _seed_groups(runs)
    ]


def _select_fields() -> list[str]:
    """Labels of the quantities to draw, in the order of `FIELDS`; the loss if none is selected."""
    selected = st.segmented_control(
        "What is drawn",
        list(FIELDS),
        selection_mode="multi",
        **arguments("curves", "default"),
        label_visibility="collapsed",
    )
    return [label for label in FIELDS if label in selected] or ["Loss"]


def _select_axis() -> str:
    axis: str | None = st.segmented_control(
        "Over what",
        list(AXES),
        required=True,
        label_visibility="collapsed",
        **arguments("over", "default"),
    )
    assert axis
    return axis


def _select_smoothing() -> float:
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content"):
        st.markdown(f":small[Smoothing {st.session_state['smoothed']:.2f}]", width="content")
        with st.container(width=110, key="smooth"):
            smoothing: float = st.slider(
                "Smoothing", 0.0, 0.99, step=0.01, label_visibility="collapsed", **arguments("smoothed")
            )
            return smoothing


def _render_overlays(field_labels: Sequence[str], draw_chart: Callable[..., None]) -> None:
    """One chart for each quantity, two in a row."""
    for first in range(0, len(field_labels), 2):
        pair = field_labels[first : first + 2]
        for column, label in zip(st.columns(len(pair), gap="medium"), pair, strict=True):
            with column:
                draw_chart(label, FIELDS[label], height=CHART_HEIGHT, key=f"overlay_{FIELDS[label]}")


def _render_small_multiples(
    parts: Sequence[tuple[str, int]], field_labels: Sequence[str], draw_chart: Callable[..., None]
) -> None:
    """One chart for each quantity and part: a run, or a group of seeds."""
    for label in field_labels:
        for first in range(0, len(parts), SMALL_CHART_COLUMNS):
            columns = st.columns(SMALL_CHART_COLUMNS, gap="small")
            for column, (name, run_id) in zip(columns, parts[first:], strict=False):
                with column:
                    draw_chart(
                        f"{label}, {name}",
                        FIELDS[label],
                        height=SMALL_CHART_HEIGHT,
                        legend=False,
                        only=run_id,
                        key=f"small_{FIELDS[label]}_{run_id}",
                    )
