"""The form behind the Continue button: a new run that goes on where a finished one ended."""

from __future__ import annotations

from functools import partial

import streamlit as st

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.runs.rate_jump import describe_rate_jump
from mnist_core.setting import Setting
from mnist_dashboard import services
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.number_field import number_field, range_problem
from mnist_dashboard.ui.state.run_address import go_to_run


def render_continue_form(run: Run) -> None:
    """Draw the button and its form if the run has a checkpoint. The page then shows the new run."""
    points = lineage.fork_points(services.current().queries, run)
    if not points:
        return
    step = max(points)
    with st.popover("Continue", icon=":material/fast_forward:"):
        start = f"where {markdown.escape(run.name)} ended"
        if lineage.has_stopped_early(run):
            start = f"from the best weights of {markdown.escape(run.name)}, without early stopping"
        st.caption(f"A new run that goes on {start}; its curve begins with the old one.")
        _render_to_planned_end(run, step)
        _render_for_more_epochs(run, step)


def _render_to_planned_end(run: Run, step: int) -> None:
    """A button that trains the planned epochs that are left, if any."""
    config = lineage.config_to_go_on(run)
    if run.status is RunStatus.COMPLETED and run.progress.step >= run.total_steps:
        return
    try:
        lineage.check_epochs_left(run, config, step)
    except ConfigError:
        return
    if not run.train_images:
        return
    messages.action_button(
        "Continue to the planned end",
        "flag",
        partial(_continue, run, config),
        help=f"Trains the rest of its {config.epochs} epochs, from step {step} on.",
        type="primary",
    )


def _render_for_more_epochs(run: Run, step: int) -> None:
    """A number of epochs, and a button that trains them after the planned ones."""
    max_epochs = int(SETTINGS["epochs"].high) - run.config.epochs
    if max_epochs < 1:
        return
    setting = Setting("more_epochs", "Epochs to add", help="", default=1, low=1, high=max_epochs)
    # An open form keeps the page on this run: a page that follows whatever trains must not take it away.
    typed = number_field(setting, 1, key=f"more_epochs_{run.id}", step=1, on_change=go_to_run, args=(run,))
    problem = range_problem(setting, typed)
    epochs = 1 if problem else int(typed)
    longer = lineage.with_more_epochs(run, epochs)
    messages.action_button(
        f"Continue for {epochs} more {'epoch' if epochs == 1 else 'epochs'}",
        "fast_forward",
        partial(_continue, run, longer),
        type="primary",
        disabled=bool(problem),
        key=f"continue_{run.id}",
    )
    if problem:
        st.markdown(f":red[:small[{markdown.escape(problem)}]]")
    elif jump := describe_rate_jump(run, longer, step):
        st.warning(jump, icon=":material/show_chart:")


def _continue(run: Run, config: TrainConfig) -> None:
    go_to_run(services.current().actions.fork(run, config))
