"""What the Start button does, and the buttons above the charts, which depend on the status of the run shown."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from mnist_core.config import SETTINGS, Setting, TrainConfig
from mnist_core.records import Adjustment, Command, Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.runs.rate_jump import describe_rate_jump
from mnist_dashboard import access, services
from mnist_dashboard.train.draft import load_config
from mnist_dashboard.train.shown_run import other_run_in_progress
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.number_field import number_field, range_problem
from mnist_dashboard.ui.run_address import go_to_run


def start_run(config: TrainConfig, name: str = "") -> None:
    """Submit a run, and show it unless another one is in progress. Raises `MnistError`."""
    submitted = services.current().actions.submit(config, name)
    # Its own trainer may have begun already.
    if not other_run_in_progress(submitted, services.current().queries.list_unfinished_runs()):
        go_to_run(submitted)


def render_run_buttons(run: Run) -> None:
    """Draw the buttons. The page then shows the run that an action has made."""
    actions = services.current().actions
    match run.status:
        case RunStatus.QUEUED:
            messages.action_button("Remove from queue", "close", lambda: actions.request_stop(run.id))
        case RunStatus.PREPARING:
            _stop(run)
        case RunStatus.RUNNING:
            _command(run, "Pause", "pause", Command.PAUSE, "Pauses the run after the current batch.")
            _stop(run)
            _evaluate(run)
        case RunStatus.PAUSED:
            _command(run, "Resume", "play_arrow", Command.RESUME, "Continues training.", type="primary")
            _command(run, "Step", "skip_next", Command.STEP, "Trains one batch and pauses again.")
            _stop(run)
            _evaluate(run)
        case RunStatus.STOPPING:
            st.button("Stopping", icon=":material/stop:", disabled=True)
        case RunStatus.INTERRUPTED:
            messages.action_button(
                "Resume",
                "play_arrow",
                lambda: actions.resume(run.id),
                help="Continues from the last checkpoint.",
                type="primary",
            )
            _train_again("Train again with these settings", run.config)
        case RunStatus.DIVERGED:
            _after_divergence(run)
        case _:
            _train_again("Train again with these settings", run.config)
            _continue(run)
            _repeat(run)


def undo_change(run: Run, index: int) -> None:
    """Set the setting that an intervention changed back to its old value."""
    if index >= len(run.interventions):
        return
    change = run.interventions[index]
    old_value: dict[str, Any] = {change.field: change.old}
    messages.attempt(lambda: _send(run, Command.ADJUST, Adjustment(**old_value)))


def _send(run: Run, command: Command, adjustment: Adjustment | None = None) -> None:
    services.current().actions.send_command(run.id, command, adjustment, by=access.current_user())


def _command(
    run: Run, label: str, icon: str, command: Command, help: str, *, type: messages.ButtonType = "secondary"
) -> None:
    messages.action_button(label, icon, lambda: _send(run, command), help=help, type=type)


def _evaluate(run: Run) -> None:
    _command(run, "Evaluate now", "rule", Command.EVALUATE, "Evaluates on validation before the next batch.")


def _stop(run: Run) -> None:
    messages.action_button(
        "Stop",
        "stop",
        lambda: services.current().actions.request_stop(run.id),
        help="Ends the run and keeps everything recorded so far.",
    )


def _train_again(label: str, config: TrainConfig, type: messages.ButtonType = "secondary") -> None:
    """A button that starts a run with `config` and puts the config into the sidebar."""

    def train() -> None:
        load_config(config)
        start_run(config)

    messages.action_button(label, "replay", train, type=type)


def _after_divergence(run: Run) -> None:
    config = lineage.config_at(run)
    gentler = dataclasses.replace(config, lr=max(config.lr / 2, SETTINGS["lr"].low))
    points = lineage.fork_points(services.current().queries, run)
    if points:
        messages.action_button(
            f"Restart from step {max(points)} at half the learning rate",
            "replay",
            lambda: go_to_run(services.current().actions.fork(run, gentler)),
            help="A new run that continues from the last checkpoint.",
            type="primary",
        )
    _train_again("Train again at half the learning rate", gentler, "secondary" if points else "primary")


def _continue(run: Run) -> None:
    max_epochs = int(SETTINGS["epochs"].high) - run.config.epochs
    points = lineage.fork_points(services.current().queries, run)
    if max_epochs < 1 or not points:
        return
    with st.popover("Continue for more epochs", icon=":material/fast_forward:"):
        setting = Setting("more_epochs", "Epochs to add", help="", default=1, low=1, high=max_epochs)
        epochs = number_field(setting, 1, key=f"more_epochs_{run.id}", step=1)
        problem = range_problem(setting, epochs)
        longer = lineage.with_more_epochs(run, 1 if problem else epochs)
        if problem:
            st.markdown(f":red[:small[{markdown.escape(problem)}]]")
        elif jump := describe_rate_jump(run, longer, max(points)):
            st.warning(jump, icon=":material/show_chart:")
        messages.action_button(
            "Continue",
            "fast_forward",
            lambda: go_to_run(services.current().actions.fork(run, longer)),
            type="primary",
            disabled=bool(problem),
        )
        st.caption(
            f"A new run that continues where {markdown.escape(run.name)} ended; its curve begins with the old one."
        )


def _repeat(run: Run) -> None:
    if run.interventions and run.parent_step is None:
        messages.action_button(
            "Repeat with its changes",
            "repeat",
            lambda: go_to_run(services.current().actions.repeat(run)),
            help="Same seed and number of threads, and the same changes at the same steps: on the same machine, with "
            "the same packages, the same curve to the last bit.",
        )
