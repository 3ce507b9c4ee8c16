"""The buttons above the charts: what can be done with the run that is shown, by its status."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import streamlit as st

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.records import Adjustment, Command, Run, RunStatus
from mnist_core.runs import lineage
from mnist_dashboard import access, services
from mnist_dashboard.train import draft
from mnist_dashboard.ui import markdown, messages


def render_run_buttons(run: Run, go_to: Callable[[Run], None], train: Callable[[TrainConfig], None]) -> None:
    """Draw them. `go_to` shows a run that was made, `train` starts one from the first weights."""
    match run.status:
        case RunStatus.QUEUED:
            messages.action_button(
                "Remove from queue", "close", lambda: services.current().actions.request_stop(run.id)
            )
        case RunStatus.PREPARING:
            _stop(run)
        case RunStatus.RUNNING:
            _order(run, "Pause", "pause", Command.PAUSE, "Holds the run after the batch in hand.")
            _stop(run)
            _evaluate(run)
        case RunStatus.PAUSED:
            _order(run, "Resume", "play_arrow", Command.RESUME, "Lets the run go on.", type="primary")
            _order(run, "Step", "skip_next", Command.STEP, "Trains one batch and holds again.")
            _stop(run)
            _evaluate(run)
        case RunStatus.STOPPING:
            st.button("Stopping", icon=":material/stop:", disabled=True)
        case RunStatus.INTERRUPTED:
            messages.action_button(
                "Resume",
                "play_arrow",
                lambda: services.current().actions.resume(run.id),
                help="Continues from the last checkpoint.",
                type="primary",
            )
            _train_again("Train again with these settings", run.config, train)
        case RunStatus.DIVERGED:
            _after_divergence(run, go_to, train)
        case _:
            _train_again("Train again with these settings", run.config, train)
            _continue(run, go_to)
            if run.interventions and run.parent_step is None:
                messages.action_button(
                    "Repeat with its changes",
                    "repeat",
                    lambda: go_to(services.current().actions.repeat(run)),
                    help="Same seed, and the same changes at the same steps: the same curve to the last bit.",
                )


def undo(run: Run, index: int) -> None:
    """Set what an intervention changed back to what it was."""
    if index < len(run.interventions):
        one = run.interventions[index]
        back = Adjustment(**{one.field: one.old})  # type: ignore[arg-type]
        messages.attempt(
            lambda: services.current().actions.send_command(run.id, Command.ADJUST, back, by=access.current_user())
        )


def _order(
    run: Run, label: str, icon: str, command: Command, help: str, *, type: messages.ButtonType = "secondary"
) -> None:
    messages.action_button(
        label,
        icon,
        lambda: services.current().actions.send_command(run.id, command, by=access.current_user()),
        help=help,
        type=type,
    )


def _evaluate(run: Run) -> None:
    _order(run, "Evaluate now", "rule", Command.EVALUATE, "Evaluates on validation before the next batch.")


def _stop(run: Run) -> None:
    messages.action_button(
        "Stop",
        "stop",
        lambda: services.current().actions.request_stop(run.id),
        help="Ends the run and keeps everything recorded so far.",
    )


def _train_again(
    label: str, config: TrainConfig, train: Callable[[TrainConfig], None], type: messages.ButtonType = "secondary"
) -> None:
    """Starts a run with `config`, which the sidebar then shows as well."""

    def act() -> None:
        draft.load_config(config)
        train(config)

    messages.action_button(label, "replay", act, type=type)


def _after_divergence(run: Run, go_to: Callable[[Run], None], train: Callable[[TrainConfig], None]) -> None:
    config = lineage.config_at(run)
    gentler = dataclasses.replace(config, lr=max(config.lr / 2, SETTINGS["lr"].low))
    if points := lineage.fork_points(run):
        messages.action_button(
            f"Restart from step {max(points)} at half the learning rate",
            "replay",
            lambda: go_to(services.current().actions.fork(run, gentler)),
            help="A new run that continues from the last checkpoint.",
            type="primary",
        )
    _train_again("Train again at half the learning rate", gentler, train, "secondary" if points else "primary")


def _continue(run: Run, go_to: Callable[[Run], None]) -> None:
    most = int(SETTINGS["epochs"].high) - run.config.epochs
    if most < 1 or not lineage.fork_points(run):
        return
    with st.popover("Continue for more epochs", icon=":material/fast_forward:"):
        more = int(st.number_input("Epochs to add", 1, most, key=f"more_epochs_{run.id}"))
        longer = lineage.with_more_epochs(run, more)
        messages.action_button(
            "Continue", "fast_forward", lambda: go_to(services.current().actions.fork(run, longer)), type="primary"
        )
        st.caption(f"A new run that goes on where {markdown.escape(run.name)} ended; its curve begins with this one.")
