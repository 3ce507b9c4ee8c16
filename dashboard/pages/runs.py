"""The Runs page: every run in one table, and what there is to see and to do about those that are ticked."""

from __future__ import annotations

import streamlit as st

from dashboard import choices, components, details, hyper, manage, overlay, prose, runs_state, services, verdict_panel
from mnist_core.records import Run

store = services.current().store


def curves(selected: list[Run], colors: dict[int, int], baseline: Run | None) -> None:
    """The overlay, and what has to be known about it."""
    if len(selected) > runs_state.MAX_OVERLAID:
        st.caption(f"The first {runs_state.MAX_OVERLAID} of the selected runs are drawn.")
    datasets = sorted({run.dataset for run in selected if run.dataset})
    if len(datasets) > 1:
        st.caption(f":material/info: These runs learned different datasets: {prose.literal(', '.join(datasets))}.")
    overlay.overlay([run for run in selected if run.id in colors], colors, baseline)


if store.latest_run() is None:
    manage.without_runs()
    st.stop()

view, ticked = runs_state.current()
selected = store.get_runs(ticked)
colors = runs_state.take_colors([run.id for run in selected])
manage.toolbar(selected)
components.runs_table(
    view.for_browser(),
    selected=[run.id for run in selected],
    colors=colors,
    known={run.id: f"{run.attempt}/{run.status}" for run in selected},
    on_selected=runs_state.select,
    on_view=runs_state.view_as,
)

shown = st.segmented_control(
    "What is shown of the selected runs",
    choices.VIEWS,
    required=True,
    key="show",
    label_visibility="collapsed",
)
baseline = next(iter(store.get_runs([view.baseline] if view.baseline else [])), None)
match shown:
    case "Verdict":
        verdict_panel.panel(selected, baseline)
    case "Hyperparameters":
        hyper.views(selected if len(selected) > 1 else store.list_runs())
    case "Details":
        details.view(selected)
    case _:
        curves(selected, colors, baseline)
