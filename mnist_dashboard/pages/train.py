"""The Train page: settings in the sidebar, and one run in full, live."""

from __future__ import annotations

from functools import partial

import streamlit as st

from mnist_core.analysis.smoothing import DEFAULT_SMOOTHING
from mnist_core.config import TrainConfig
from mnist_core.records import Run, RunStatus
from mnist_core.training.epoch_ends import epoch_ends
from mnist_dashboard import access, services
from mnist_dashboard.components.audience import audience
from mnist_dashboard.components.change_log import change_log
from mnist_dashboard.components.confusion_matrix import confusion_matrix
from mnist_dashboard.components.live_chart import Fault, live_chart
from mnist_dashboard.components.status_strip import status_strip
from mnist_dashboard.feed.run_summary import summarize_run
from mnist_dashboard.train import fork_form, run_actions, settings_sidebar, stale_widgets
from mnist_dashboard.train.draft import Draft, read_draft
from mnist_dashboard.train.expected_dataset import expected_dataset, expected_images
from mnist_dashboard.train.shown_run import find_run_to_show, other_run_in_progress
from mnist_dashboard.ui import headings, markdown, messages, queue, run_address, share_popover

CHART_HEIGHT = 328
LOSS_EMPTY = "The loss of every batch will be drawn here."
ACCURACY_EMPTY = "The accuracy of every batch will be drawn here."
MATRIX_EMPTY = "Digits the network mixes up show here."

# ---------------------------------------------------------------------- parts of the page


def render_sidebar(draft: Draft, run: Run | None, unfinished: list[Run], *, may_act: bool) -> None:
    """The settings, and the runs in the queue."""
    settings_sidebar.render_sidebar(draft, run, unfinished, run_actions.start_run, may_act=may_act)
    with st.sidebar:
        queue.render_queue_line()
    stale_widgets.mark_values_sent()


def render_action_row(run: Run | None, unfinished: list[Run], *, may_act: bool) -> None:
    """Actions on the run shown, and links to its details and to the run in progress."""
    if not may_act:
        audience(may_act=False)
    elif run:
        run_actions.render_run_buttons(run)
        fork_form.render_fork_form(run)
    else:
        st.caption(
            "Set the sliders and press Start training. The first curve appears within a second.", width="content"
        )
    if not run:
        return
    other = other_run_in_progress(run, unfinished)
    if other and st.button(f"Show {markdown.escape(other.name)}, in progress", icon=":material/visibility:"):
        run_address.go_to_run(other)
        st.rerun()
    st.page_link("pages/details.py", label="Details", icon=":material/description:", query_params={"run": str(run.id)})


def render_view_controls() -> bool:
    """Smoothing, which the session keeps, and the loss axis; returns whether the axis is logarithmic."""
    log_loss = st.toggle("Log loss", value=True, key="log_loss")
    st.markdown(f":small[Smoothing {st.session_state['smoothing']:.2f}]", width="content")
    with st.container(width=80, key="smooth"):  # fits next to all actions on an ended run, on a 1440 px screen
        smoothing = st.session_state["smoothing"]
        st.slider("Smoothing", 0.0, 0.99, smoothing, 0.01, key="smoothing", label_visibility="collapsed")
    return log_loss


def render_outcome(run: Run) -> None:
    """Why the run ended, and what else there is to know about it."""
    if run.reason and run.status in (RunStatus.FAILED, RunStatus.DIVERGED):
        st.error(markdown.escape(run.reason), icon=":material/error:")
    elif run.reason:
        st.info(markdown.escape(run.reason), icon=":material/info:")
    if run.notice and run.status is not RunStatus.PREPARING:
        st.caption(markdown.escape(run.notice))
    if run.model_file:
        st.caption(f"Weights saved to {markdown.escape(run.model_file)}")


def render_charts(run: Run | None, config: TrainConfig, total_steps: int, waiting: str, *, log_loss: bool) -> None:
    """Loss above accuracy, over the same steps. While the run is in the queue, `waiting` says what it waits for."""
    images = (run.train_images if run else 0) or expected_images(config)
    draw = partial(
        live_chart,
        runs=[{"id": run.id, "name": run.name, "color": 0}] if run else [],
        total_steps=total_steps,
        smoothing=st.session_state["smoothing"],
        epochs=epoch_ends(config, images, run.interventions if run else ()),
        uirevision=f"run-{run.id}" if run else "idle",
    )
    fault: Fault | None = None
    if run and run.status is RunStatus.DIVERGED:
        fault = {"step": run.progress.step, "text": run.reason.partition(".")[0].removeprefix("Loss became ")}
    draw("Loss", "loss", log=log_loss, height=CHART_HEIGHT, empty=waiting or LOSS_EMPTY, fault=fault, key="loss")
    draw(
        "Accuracy",
        "accuracy",
        height=CHART_HEIGHT + 12,
        xtitle=True,
        empty=waiting or ACCURACY_EMPTY,
        legend=False,
        fault={"step": fault["step"], "text": ""} if fault else None,
        key="accuracy",
    )


# ---------------------------------------------------------------------- the page
st.session_state.setdefault("smoothing", DEFAULT_SMOOTHING)
unfinished = services.current().queries.list_unfinished_runs()
run = find_run_to_show(unfinished)
if run and run.damage:
    run_address.set_run(run)
    st.error(f"{markdown.escape(run.name)} is damaged. {markdown.escape(run.damage)}", icon=":material/error:")
    st.page_link("pages/details.py", label="Details", icon=":material/description:", query_params={"run": str(run.id)})
    run = None
unfinished = [other for other in unfinished if not other.damage]
draft = read_draft()
may_act = access.may_act()
can_steer = may_act and run is not None and run.status in (RunStatus.RUNNING, RunStatus.PAUSED)
render_sidebar(draft, run, unfinished, may_act=may_act)
if run:
    run_address.set_run(run)

config = run.config if run else draft.config
total_steps = (run.total_steps if run else 0) or config.total_steps(expected_images(config))
summary = summarize_run(run, unfinished) if run else None
headings.render_page_heading("Train", summary)
status_strip(
    summary,
    idle={
        "epochs": config.epochs,
        "total_steps": total_steps,
        "detail": expected_dataset(config.dataset).description,
    },
    smoothing=st.session_state["smoothing"],
    follows_changes=not may_act,
)
# Separate containers: elements that come and go with the status must not move those next to and below them. The browser
# would rebuild what moved, closing an open popover and making a chart flicker.
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools"):
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="actions"):
        render_action_row(run, unfinished, may_act=may_act)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="view"):
        if may_act:
            audience(may_act=True)
        log_loss = render_view_controls()
        share_popover.render_share_popover()
with st.container(key="outcome"):
    messages.render()
    if run:
        render_outcome(run)
left, right = st.columns([1.72, 1], gap="medium")
with left:
    waiting = f"Waiting for {summary['after']} to finish." if summary and summary["after"] else ""
    render_charts(run, config, total_steps, waiting, log_loss=log_loss)
with right:
    confusion_matrix(run.id if run else None, empty=MATRIX_EMPTY)
    if run and summary:
        undone = change_log(summary, can_undo=can_steer, you=access.current_user())
        if undone is not None:
            run_actions.undo_change(run, undone)
