"""The Runs page: all runs in one table, with actions on the selected runs and views of them."""

from __future__ import annotations

import streamlit as st

from mnist_core.records import Run
from mnist_dashboard import access, services
from mnist_dashboard.components.run_table import received, run_table
from mnist_dashboard.details import details_view
from mnist_dashboard.runs import (
    curves_view,
    hyperparameters_view,
    page_state,
    table_edits,
    toolbar,
    verdict_view,
    widget_state,
)
from mnist_dashboard.server.shared_constants import MAX_OVERLAID
from mnist_dashboard.train import experiments_view
from mnist_dashboard.ui import headings, markdown

queries = services.current().queries


def render_curves(selected: list[Run], colors: dict[int, int], baseline: Run | None) -> None:
    """The runs' curves in one chart, with notes on runs that are left out and on different datasets."""
    if len(selected) > MAX_OVERLAID:
        st.caption(f"The first {MAX_OVERLAID} of the selected runs are drawn.")
    datasets = sorted({run.dataset for run in selected if run.dataset})
    if len(datasets) > 1:
        st.caption(f":material/info: These runs learned different datasets: {markdown.escape(', '.join(datasets))}.")
    curves_view.render_curves([run for run in selected if run.id in colors], colors, baseline)


headings.render_page_heading("Runs")
if started := experiments_view.start_chosen():
    page_state.open_with(started)
if queries.latest_run() is None:
    toolbar.render_empty_state()
    st.stop()

received({"selected": page_state.take_selection, "view": page_state.set_table, "edit": table_edits.edit_run})
table, selected = page_state.sync_with_address()
colors = curves_view.group_colors(selected, page_state.assign_colors([run.id for run in selected]))
toolbar.render_toolbar(selected)
run_table(
    table.for_browser(),
    selected=[run.id for run in selected],
    colors=colors,
    known={run.id: f"{run.attempt}/{run.shown_status}" for run in selected},
    restored=page_state.times_restored(),
    can_edit=access.may_act(),
    edit=table_edits.outcome(),
)

view = st.segmented_control(
    "View of the selected runs",
    widget_state.VIEWS,
    required=True,
    **widget_state.arguments("show", "default"),
    label_visibility="collapsed",
)
experiments_view.render_conclusion(selected)
baseline = next((run for run in queries.get_runs([table.baseline] if table.baseline else []) if not run.damage), None)
sound = [run for run in selected if not run.damage]
if len(sound) < len(selected) and view != "Details":
    names = toolbar.join_names([run for run in selected if run.damage])
    st.caption(f":material/error: Left out because they are damaged: {names}. Details says what is damaged.")
match view:
    case "Verdict":
        verdict_view.render_verdict(sound, baseline)
    case "Hyperparameters":
        several = sound if len(sound) > 1 else services.current().all_runs.list_sound_runs()
        hyperparameters_view.render_hyperparameters(several)
    case "Details":
        details_view.render_selected(selected)
    case _:
        render_curves(sound, colors, baseline)
