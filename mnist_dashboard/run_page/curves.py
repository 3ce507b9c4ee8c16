"""The view Curves: loss and accuracy over the steps, the confusion matrix and the changes made during the run."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st

from mnist_core.analysis.smoothing import adapted_smoothing
from mnist_core.config import TrainConfig
from mnist_core.records import Run, RunStatus
from mnist_core.training.epoch_ends import epoch_ends
from mnist_dashboard import access, services
from mnist_dashboard.components.change_log import change_log
from mnist_dashboard.components.confusion_matrix import confusion_matrix
from mnist_dashboard.components.live_chart import Fault, live_chart
from mnist_dashboard.feed.summaries.run_summary import RunSummary
from mnist_dashboard.run_page import view_switch
from mnist_dashboard.train import run_actions
from mnist_dashboard.train.expected_dataset import expected_images
from mnist_dashboard.ui import markdown
from mnist_dashboard.ui.state import place, stale_widgets, view_settings

LOSS_HEIGHT, ACCURACY_HEIGHT = 302, 310
LOSS_EMPTY = "The loss of every batch will be drawn here."
ACCURACY_EMPTY = "The accuracy of every batch will be drawn here."
MATRIX_EMPTY = "Digits the network mixes up show here."

_LOG_KEY, _SMOOTHING_KEY, _GHOST_KEY = "log_loss", "smoothing", "ghost"


def previous_run(run: Run | None) -> Run | None:
    """Return the run whose curve is drawn behind that of `run`: the last one before it on the same dataset."""
    return services.current().queries.previous_run(run) if run and run.dataset else None


def render_controls(total_steps: int, previous: Run | None) -> float:
    """Draw the settings of the charts, which the browser keeps. Return the smoothing, by default that of the run."""
    settings = view_settings.read()
    st.toggle(
        # The style sheet cuts a long name, and leaves it out on phones.
        f"Ghost :small[of {markdown.escape(previous.name)}]" if previous else "Ghost",
        settings.ghost,
        key=_GHOST_KEY,
        on_change=_keep_ghost,
        disabled=previous is None,
        help=f"Draws {markdown.escape(previous.name)} behind this run, smoothed: the one before it on the same dataset."
        if previous
        else "There is no run before this one on the same dataset.",
    )
    st.toggle("Log loss", settings.log_loss, key=_LOG_KEY, on_change=_keep_log)
    smoothing = adapted_smoothing(total_steps) if settings.smoothing is None else settings.smoothing
    stale_widgets.set_widget_value(_SMOOTHING_KEY, smoothing)
    st.markdown(f":small[Smoothing {smoothing:.2f}]", width="content")
    with st.container(width=80, key="smooth"):
        st.slider(
            "Smoothing",
            0.0,
            view_settings.MAX_SMOOTHING,
            smoothing,
            0.01,
            key=_SMOOTHING_KEY,
            label_visibility="collapsed",
            on_change=_keep_smoothing,
        )
    return smoothing


def _keep_ghost() -> None:
    view_settings.change({"ghost": bool(st.session_state[_GHOST_KEY])})


def _keep_log() -> None:
    view_settings.change({"log_loss": bool(st.session_state[_LOG_KEY])})


def _keep_smoothing() -> None:
    if not stale_widgets.is_stale(_SMOOTHING_KEY):
        view_settings.change({"smoothing": float(st.session_state[_SMOOTHING_KEY])})


def render_curves(
    run: Run | None,
    summary: RunSummary | None,
    config: TrainConfig,
    *,
    previous: Run | None,
    total_steps: int,
    smoothing: float,
    can_steer: bool,
) -> None:
    """Draw the view of a run, or empty axes for the run that `config` would make."""
    left, right = st.columns([1.72, 1], gap="medium")
    with left:
        waiting = f"Waiting for {summary['after']} to finish." if summary and summary["after"] else ""
        ghost = previous if view_settings.read().ghost else None
        _render_charts(run, config, total_steps, smoothing, ghost=ghost, waiting=waiting)
    with right:
        confusion_matrix(run.id if run else None, empty=MATRIX_EMPTY, on_open=_open_cell)
        if run and summary:
            undo = partial(run_actions.undo_change, run.id)
            change_log(summary, can_undo=can_steer, you=access.current_user(), on_undo=undo)


def _open_cell(values: dict[str, Any]) -> None:
    """Show the images of a cell of the matrix."""
    split, _, step = str(values.get("source", "")).partition(":")
    run_id = values.get("run")
    if isinstance(run_id, int):
        place.go_to(run_id, place.Place.read({"split": split, "step": step, "cell": values.get("cell", "")}))
        view_switch.show("mistakes")


def _render_charts(
    run: Run | None, config: TrainConfig, total_steps: int, smoothing: float, *, ghost: Run | None, waiting: str
) -> None:
    """Loss above accuracy, over the same steps. While the run is in the queue, `waiting` says what it waits for."""
    images = (run.train_images if run else 0) or expected_images(config)
    draw = partial(
        live_chart,
        runs=[{"id": run.id, "name": run.name, "color": 0}] if run else [],
        ghost={"id": ghost.id, "name": ghost.name} if ghost else None,
        total_steps=total_steps,
        smoothing=smoothing,
        epochs=epoch_ends(config, images, run.interventions if run else ()),
        cursor=place.current(run.id).step if run else None,
        uirevision=f"run-{run.id}" if run else "idle",
    )
    fault: Fault | None = None
    if run and run.status is RunStatus.DIVERGED:
        fault = {"step": run.progress.step, "text": run.reason.partition(".")[0].removeprefix("Loss became ")}
    log = view_settings.read().log_loss
    draw("Loss", "loss", log=log, height=LOSS_HEIGHT, empty=waiting or LOSS_EMPTY, fault=fault, key="loss")
    draw(
        "Accuracy",
        "accuracy",
        height=ACCURACY_HEIGHT,
        xtitle=True,
        empty=waiting or ACCURACY_EMPTY,
        legend=False,
        fault={"step": fault["step"], "text": ""} if fault else None,
        key="accuracy",
    )
