"""The Train page: settings at the side, one run in full, live."""

from __future__ import annotations

from dataclasses import asdict

import streamlit as st

from mnist_core.config import TrainConfig
from mnist_core.data import idx
from mnist_core.records import Run, RunStatus
from mnist_core.system import paths
from mnist_core.training.epochs import epoch_ends
from mnist_dashboard import access, services
from mnist_dashboard.components.audience import audience
from mnist_dashboard.components.change_log import change_log
from mnist_dashboard.components.confusion_matrix import confusion_matrix
from mnist_dashboard.components.live_chart import ChartRun, Fault, live_chart
from mnist_dashboard.components.status_strip import status_strip
from mnist_dashboard.feed.run_summary import summarize_run
from mnist_dashboard.server.shared_constants import DEFAULT_SMOOTHING
from mnist_dashboard.train import fork_form, run_actions, settings_sidebar, stale_widgets, steering_sidebar
from mnist_dashboard.train.draft import Draft, read_draft
from mnist_dashboard.ui import markdown, messages, run_address, share_popover

CHART_HEIGHT = 328
OFFICIAL_TRAINING_IMAGES, BUILT_IN_TRAINING_IMAGES = 60_000, 4_000
LOSS_EMPTY = "The loss of every batch will be drawn here."
ACCURACY_EMPTY = "The accuracy of every batch will be drawn here."
TITLES = {"auto": "MNIST", "mnist": "MNIST", "fashion-mnist": "Fashion-MNIST", "kmnist": "KMNIST"}
MATRIX_EMPTY = "Digits the network mixes up show here."

queries, actions = services.current().queries, services.current().actions

# ---------------------------------------------------------------------- what is shown


def run_to_show(unfinished: list[Run]) -> Run | None:
    """The run in the address, else the one in progress, else the latest."""
    if named := run_address.get_run():
        return named
    return unfinished[0] if unfinished else queries.latest_run()


def expected_dataset(choice: str) -> tuple[str, int]:
    """What a run with this choice will probably train on, in words, and how many training images that has."""
    if choice == "mnist-5k":
        return "MNIST-5k, 4\u202f000 training images", BUILT_IN_TRAINING_IMAGES
    if choice == "auto" and not (paths.data_dir() / "MNIST" / "raw" / idx.FILES[0]).exists():
        return "MNIST, or without a network MNIST-5k", OFFICIAL_TRAINING_IMAGES
    return f"{TITLES[choice]}, 60\u202f000 training images", OFFICIAL_TRAINING_IMAGES


def expected_images(config: TrainConfig) -> int:
    """How many images each epoch will probably have."""
    return round(expected_dataset(config.dataset)[1] * (1 - config.validation_fraction))


def start(config: TrainConfig, name: str = "") -> None:
    """Submit a run, and go to it unless another one is in progress. Raises `MnistError`."""
    submitted = actions.submit(config, name)
    # Its own trainer may have begun already; only another run in progress keeps the page where it is.
    if not any(other.status.is_active and other.id != submitted.id for other in queries.list_unfinished_runs()):
        run_address.go_to_run(submitted)


# ---------------------------------------------------------------------- parts of the page


def steers_this_run() -> bool:
    """Whether the sidebar is for the run that is going. The next run is the default: no slider steers by accident."""
    with st.sidebar:
        target = st.segmented_control(
            "What the settings are for",
            ["Next run", "This run"],
            default="Next run",
            key="target",
            label_visibility="collapsed",
            width="stretch",
        )
    return target == "This run"


def sidebar(draft: Draft, run: Run | None, unfinished: list[Run], *, may_act: bool, can_steer: bool) -> None:
    """The settings of the next run, or of the run shown: to be steered by owners, to be seen by viewers."""
    if not may_act:
        values = asdict(run.config) | steering_sidebar.current_settings(run) if run else asdict(draft.config)
        settings_sidebar.render_read_only_sidebar("Settings of this run" if run else "Settings", values)
    elif run and can_steer and steers_this_run():
        steering_sidebar.render_steering_sidebar(run)
    else:
        in_progress = any(other.status.is_active for other in unfinished)
        settings_sidebar.render_draft_sidebar(
            draft,
            caption="Prepares the next run. The current run keeps its settings." if in_progress else "",
            start_label="Add to queue" if unfinished else "Start training",
            training_images=expected_images(draft.config),
            on_start=start,
        )
    with st.sidebar:
        messages.render(messages.SIDEBAR)


def say_what_waits(queued: list[Run]) -> None:
    """Below Start. Not a toast: a rerun that comes at once, as when the queue moves, would take that away unseen."""
    if queued:
        more = len(queued) - 1
        others = f" and {more} more are" if more else " is"
        st.sidebar.caption(f":material/playlist_add: {markdown.escape(queued[0].name)}{others} in the queue.")


def other_run_button(run: Run, unfinished: list[Run]) -> None:
    """The way to the run in progress, when the page shows another one."""
    for other in unfinished:
        if other.status.is_active and other.id != run.id:
            if st.button(f"Show {markdown.escape(other.name)}, in progress", icon=":material/visibility:"):
                run_address.go_to_run(other)
                st.rerun()
            return


def action_row(run: Run | None, unfinished: list[Run], *, may_act: bool) -> None:
    """What can be done with the run that is shown, and where more of it is to be seen."""
    if not may_act:
        audience(may_act=False)
    elif run:
        run_actions.render_run_buttons(run, go_to=run_address.go_to_run, train=start)
        fork_form.render_fork_form(run, go_to=run_address.go_to_run)
    else:
        st.caption(
            "Set the sliders and press Start training. The first curve appears within a second.", width="content"
        )
    if run:
        other_run_button(run, unfinished)
        st.page_link(
            "pages/details.py", label="Details", icon=":material/description:", query_params={"run": str(run.id)}
        )


def view_controls() -> bool:
    """Smoothing (kept in the session) and the loss axis; returns whether it is logarithmic."""
    log_loss = st.toggle("Log loss", value=True, key="log_loss")
    st.markdown(f":small[Smoothing {st.session_state['smoothing']:.2f}]", width="content")
    with st.container(width=80, key="smooth"):  # beside all that can be done with an ended run, on a 1440 px screen
        st.slider("Smoothing", 0.0, 0.99, step=0.01, key="smoothing", label_visibility="collapsed")
    return log_loss


def outcome(run: Run) -> None:
    """Why the run ended as it did, and what there is to know about it."""
    if run.reason and run.status in (RunStatus.FAILED, RunStatus.DIVERGED):
        st.error(markdown.escape(run.reason), icon=":material/error:")
    elif run.reason:
        st.info(markdown.escape(run.reason), icon=":material/info:")
    if run.notice and run.status is not RunStatus.PREPARING:
        st.caption(markdown.escape(run.notice))
    if run.model_file:
        st.caption(f"Weights saved to {markdown.escape(run.model_file)}")


def charts(run: Run | None, config: TrainConfig, total_steps: int, waiting_for: str | None, log_loss: bool) -> None:
    """Loss above accuracy, over the same steps."""
    drawn: list[ChartRun] = [{"id": run.id, "name": run.name, "color": 0}] if run else []
    images = (run.train_images if run else 0) or expected_images(config)
    ends = epoch_ends(config, images, run.interventions if run else ())
    smoothing = st.session_state["smoothing"]
    waiting = f"Waiting for {waiting_for} to finish." if waiting_for else ""
    revision = f"run-{run.id}" if run else "idle"
    fault: Fault | None = None
    if run and run.status is RunStatus.DIVERGED:
        fault = {"step": run.progress.step, "text": run.reason.partition(".")[0].removeprefix("Loss became ")}
    live_chart(
        "Loss",
        "loss",
        drawn,
        total_steps=total_steps,
        smoothing=smoothing,
        log=log_loss,
        height=CHART_HEIGHT,
        epochs=ends,
        empty=waiting or LOSS_EMPTY,
        fault=fault,
        uirevision=revision,
        key="loss",
    )
    live_chart(
        "Accuracy",
        "accuracy",
        drawn,
        total_steps=total_steps,
        smoothing=smoothing,
        height=CHART_HEIGHT + 12,
        xtitle=True,
        epochs=ends,
        empty=waiting or ACCURACY_EMPTY,
        legend=False,
        fault={"step": fault["step"], "text": ""} if fault else None,
        uirevision=revision,
        key="accuracy",
    )


# ---------------------------------------------------------------------- the page
st.session_state.setdefault("smoothing", DEFAULT_SMOOTHING)
unfinished = queries.list_unfinished_runs()
run = run_to_show(unfinished)

may_act = access.may_act()
can_steer = may_act and run is not None and run.status in (RunStatus.RUNNING, RunStatus.PAUSED)
draft = read_draft()
sidebar(draft, run, unfinished, may_act=may_act, can_steer=can_steer)
stale_widgets.mark_values_sent()
say_what_waits([other for other in unfinished if other.status is RunStatus.QUEUED and not (run and other.id == run.id)])
if run:
    run_address.set_run(run)

config = run.config if run else draft.config
total_steps = (run.total_steps if run else 0) or config.total_steps(expected_images(config))
summary = summarize_run(run, unfinished) if run else None
status_strip(
    summary,
    idle={"epochs": config.epochs, "total_steps": total_steps, "detail": expected_dataset(config.dataset)[0]},
    smoothing=st.session_state["smoothing"],
    follows_changes=not may_act,
)
# Containers of their own: what comes and goes with the status must not move the elements beside and below it, which
# the browser would then build anew. An open popover would close, and a chart flicker.
with st.container(horizontal=True, vertical_alignment="center", gap="small", key="tools"):
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="actions"):
        action_row(run, unfinished, may_act=may_act)
    with st.container(horizontal=True, vertical_alignment="center", gap="small", width="content", key="view"):
        if may_act:
            audience(may_act=True)
        log_loss = view_controls()
        share_popover.render_share_popover()
with st.container(key="outcome"):
    messages.render()
    if run:
        outcome(run)
left, right = st.columns([1.72, 1], gap="medium")
with left:
    charts(run, config, total_steps, summary["after"] if summary else None, log_loss)
with right:
    confusion_matrix(run.id if run else None, empty=MATRIX_EMPTY)
    if run and summary:
        undone = change_log(summary, can_undo=can_steer, you=access.current_user())
        if undone is not None:
            run_actions.undo(run, undone)
