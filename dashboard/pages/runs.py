"""The Runs page: every run in one table, and the curves of those that are ticked, overlaid."""

from __future__ import annotations

import streamlit as st

from dashboard import components, services
from dashboard.summary import summarise
from mnist_core.records import Run

CHART_HEIGHT = 430
MAX_OVERLAID = 7
"""As many as there are colours that can be told apart."""


def take_colors(chosen: list[int]) -> dict[int, int]:
    """One colour per ticked run, kept as long as it stays ticked; a new one takes the first that is free."""
    held: dict[int, int] = st.session_state.get("run_colors", {})
    colors = {run_id: held[run_id] for run_id in chosen if run_id in held}
    for run_id in chosen:
        if run_id not in colors:
            colors[run_id] = next(index for index in range(MAX_OVERLAID) if index not in colors.values())
    st.session_state["run_colors"] = colors
    return colors


def overlay(chosen: list[Run], colors: dict[int, int]) -> None:
    """Loss and accuracy of the chosen runs, side by side."""
    smoothing = st.session_state.setdefault("overlay_smoothing", 0.95)
    common = {
        "runs": [components.ChartRun(id=run.id, name=run.name, color=colors[run.id]) for run in chosen],
        "total_steps": max((run.total_steps for run in chosen), default=0),
        "smoothing": smoothing,
        "height": CHART_HEIGHT,
        "xtitle": "Step (batches trained)",
        "uirevision": "overlay",
        "empty": "Select rows to compare their curves.",
    }
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools"):
        datasets = sorted({run.dataset for run in chosen if run.dataset})
        if len(datasets) > 1:
            st.caption(
                f":material/info: These runs learned different datasets: {', '.join(datasets)}.", width="content"
            )
        st.space("stretch")
        log_loss = st.toggle("Log loss", value=True, key="overlay_log_loss")
        st.markdown(f":small[Smoothing {smoothing:.2f}]", width="content")
        with st.container(width=110, key="smooth"):
            st.slider("Smoothing", 0.0, 0.99, step=0.01, key="overlay_smoothing", label_visibility="collapsed")
    loss, accuracy = st.columns(2, gap="medium")
    with loss:
        components.live_chart("Loss", "loss", log=log_loss, key="overlay_loss", **common)
    with accuracy:
        components.live_chart("Accuracy", "accuracy", key="overlay_accuracy", **common)


store = services.current().store
runs = store.list_runs()
if not runs:
    st.info("No runs yet. Start one on the Train page.", icon=":material/info:")
    st.page_link("pages/train.py", label="Go to the Train page", icon=":material/show_chart:")
    st.stop()

heading = st.empty()
ticked: list[int] = st.session_state.get("ticked_runs", [])
colors = take_colors(ticked[:MAX_OVERLAID])
unfinished = store.list_unfinished_runs()
answer = components.runs_table(
    [summarise(run, unfinished) for run in reversed(runs)], selected=ticked, colors=colors, key="runs_table"
)
if answer != ticked:
    st.session_state["ticked_runs"] = answer
    st.rerun()

count = "1 run" if len(runs) == 1 else f"{len(runs)} runs"
too_many = f" The first {MAX_OVERLAID} are drawn." if len(ticked) > MAX_OVERLAID else ""
heading.markdown(f"**{count}**  :gray[{len(ticked)} selected. The best value of a column is tinted.{too_many}]")
overlay([run for run_id in colors for run in runs if run.id == run_id], colors)
