"""What the Start button does, and the actions on the run shown, which depend on its status."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import streamlit as st

from mnist_core import labels
from mnist_core.config import TrainConfig
from mnist_core.records import Adjustment, Command, Run, RunStatus
from mnist_core.runs import lineage, remedies
from mnist_dashboard import access, services
from mnist_dashboard.train.continue_form import render_continue_form
from mnist_dashboard.train.fork_form import render_fork_form
from mnist_dashboard.train.settings.draft import load_config
from mnist_dashboard.train.shown_run import other_run_in_progress
from mnist_dashboard.ui import messages
from mnist_dashboard.ui.state.run_address import go_to_run

Action = Callable[[], object]
"""Draws one action: a button, or a button with a form behind it."""


def start_run(config: TrainConfig, name: str = "") -> None:
    """Submit a run, and show it unless another one is in progress. Raises `MnistError`."""
    submitted = services.current().actions.submit(config, name)
    # Its own trainer may have begun already.
    if not other_run_in_progress(submitted, services.current().queries.list_unfinished_runs()):
        go_to_run(submitted)


def run_actions(run: Run) -> list[Action]:
    """Return the actions on a run, the most important first. The page then shows the run that an action has made."""
    actions: dict[RunStatus, list[Action]] = {
        RunStatus.QUEUED: [partial(_remove_from_queue, run)],
        RunStatus.PREPARING: [partial(_stop, run)],
        RunStatus.RUNNING: [partial(_pause, run), partial(_stop, run), partial(_evaluate, run)],
        RunStatus.PAUSED: [partial(_resume, run), partial(_step, run), partial(_stop, run), partial(_evaluate, run)],
        RunStatus.STOPPING: [partial(st.button, "Stopping", icon=":material/stop:", disabled=True)],
        RunStatus.INTERRUPTED: [partial(_resume_interrupted, run), partial(_train_again, run)],
        # The doctor offers gentler settings. Continuing with those that made the loss diverge would lead nowhere.
        RunStatus.DIVERGED: [partial(_train_again, run)],
    }
    return actions.get(run.status) or _after_end(run)


def fork_action(run: Run) -> Action | None:
    """Return the action that forks a run; None if it has no checkpoint."""
    points = lineage.fork_points(services.current().queries, run)
    return partial(render_fork_form, run) if points else None


def replay_action(run: Run) -> Action | None:
    """Return the action that replays a finished run that was changed while it trained; None for other runs."""
    is_changed = bool(run.interventions) and run.parent_step is None
    is_offered = run.status.is_finished and run.status is not RunStatus.DIVERGED and is_changed
    return partial(_replay, run) if is_offered else None


def undo_change(run_id: int, index: int) -> None:
    """Set the setting that an intervention changed back to its old value."""

    def undo() -> None:
        run = services.current().queries.get_run(run_id)  # the list is live: it may be newer than the page
        if index < len(run.interventions):
            change = run.interventions[index]
            old_value: dict[str, Any] = {change.field: change.old}
            _send(run, Command.ADJUST, Adjustment(**old_value))

    messages.attempt(undo)


def apply_remedy(run_id: int, remedy: str) -> None:
    """Carry out the remedy that the sentence on a run offers, and show the run that it makes, if any."""
    actions, queries = services.current().actions, services.current().queries

    def apply() -> None:
        new_run = remedies.apply_remedy(actions, queries, queries.get_run(run_id), remedy, access.current_user())
        if new_run:
            go_to_run(new_run)

    messages.attempt(apply)


def _send(run: Run, command: Command, adjustment: Adjustment | None = None) -> None:
    services.current().actions.send_command(run.id, command, adjustment, by=access.current_user())


def _command(
    run: Run, label: str, icon: str, command: Command, help: str, *, type: messages.ButtonType = "secondary"
) -> None:
    messages.action_button(label, icon, lambda: _send(run, command), help=help, type=type)


def _pause(run: Run) -> None:
    _command(run, "Pause", "pause", Command.PAUSE, "Pauses the run after the current batch.")


def _resume(run: Run) -> None:
    _command(run, "Resume", "play_arrow", Command.RESUME, "Continues training.", type="primary")


def _step(run: Run) -> None:
    _command(run, "Step", "skip_next", Command.STEP, "Trains one batch and pauses again.")


def _evaluate(run: Run) -> None:
    _command(run, "Evaluate now", "rule", Command.EVALUATE, "Evaluates on validation before the next batch.")


def evaluate(run: Run) -> None:
    """Evaluate a run in progress before its next batch."""
    messages.attempt(lambda: _send(run, Command.EVALUATE))


def _remove_from_queue(run: Run) -> None:
    messages.action_button("Remove from queue", "close", lambda: services.current().actions.remove_from_queue(run.id))


def _stop(run: Run) -> None:
    messages.action_button(
        "Stop",
        "stop",
        lambda: services.current().actions.request_stop(run.id),
        help="Ends the run and keeps everything recorded so far.",
    )


def _resume_interrupted(run: Run) -> None:
    messages.action_button(
        "Resume",
        "play_arrow",
        lambda: services.current().actions.resume(run.id),
        help="Continues from the last checkpoint.",
        type="primary",
    )


def _train_again(run: Run) -> None:
    """A button that starts a run with the same settings and puts them into the sidebar."""

    def train() -> None:
        load_config(run.config)
        start_run(run.config)

    help = "Starts a new run with these settings, and puts them into the sliders."
    messages.action_button(labels.TRAIN_AGAIN, "replay", train, help=help)


def _after_end(run: Run) -> list[Action]:
    again = partial(_train_again, run)
    has_checkpoint = bool(lineage.fork_points(services.current().queries, run))
    return [again, partial(render_continue_form, run)] if has_checkpoint else [again]


def _replay(run: Run) -> None:
    messages.action_button(
        labels.REPLAY_EXACTLY,
        "repeat",
        lambda: go_to_run(services.current().actions.repeat(run)),
        help="Same seed and number of threads, and the same changes at the same steps: on the same machine, with "
        "the same packages, the same curve to the last bit.",
    )
