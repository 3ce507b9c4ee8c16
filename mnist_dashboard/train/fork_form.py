"""The form behind the Fork button: a new run that continues from any checkpoint of a run, with other settings."""

from __future__ import annotations

import dataclasses
from typing import Any

import streamlit as st

from mnist_core.checkpoints.ownership import recorded_checkpoints
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import FileKind, Run
from mnist_core.runs import lineage
from mnist_core.runs.rate_jump import describe_rate_jump
from mnist_dashboard import services
from mnist_dashboard.train.settings.binding import DECIMALS
from mnist_dashboard.train.settings.widgets import number_style
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.formatting import format_count
from mnist_dashboard.ui.number_field import number_field
from mnist_dashboard.ui.state.run_address import go_to_run

FIELDS = ("lr", "momentum", "batch_size", "weight_decay", "epochs")
"""Settings that a fork can change."""


def render_fork_form(run: Run) -> None:
    """Draw the button and its form if the run has a checkpoint. The page then shows the new run."""
    steps = sorted(lineage.fork_points(services.current().queries, run), reverse=True)
    if not steps:
        return
    with st.popover("Fork", icon=":material/call_split:"):
        st.caption(f"A new run that continues from a checkpoint of {markdown.escape(run.name)}, curve included.")
        step = _choose_step(run, steps)
        original = lineage.config_at(run, step)
        values = {name: _render_field(run, step, name, getattr(original, name)) for name in FIELDS}
        config, problem = _apply(run, step, original, values)
        if problem:
            st.markdown(f":red[:small[{markdown.escape(problem)}]]")
        elif jump := describe_rate_jump(run, config, step):
            st.warning(jump, icon=":material/show_chart:")
        messages.action_button(
            "Start the fork",
            "call_split",
            lambda: go_to_run(services.current().actions.fork(run, config, step)),
            help="Trains from there on with these settings; the original run stays as it is.",
            type="primary",
            disabled=bool(problem),
        )


def _choose_step(run: Run, steps: list[int]) -> int:
    """Draw the choice of a checkpoint and return its step.

    Until the user chooses one, the latest is selected; a run in progress replaces its checkpoints.
    """
    widget_key, chosen_key = f"fork_{run.id}_step", f"fork_{run.id}_chosen"
    chosen = st.session_state.get(chosen_key)
    st.session_state[widget_key] = chosen if chosen in steps else steps[0]
    best = recorded_checkpoints(services.current().queries, run, FileKind.BEST)

    def label(step: int) -> str:
        marks = ["latest"] if step == steps[0] else []
        marks += ["best validation"] if step in best else []
        return format_count(step) + (f" ({', '.join(marks)})" if marks else "")

    def remember() -> None:
        if (step := st.session_state[widget_key]) in steps:  # not the text of one that was the latest when it was drawn
            st.session_state[chosen_key] = step
            go_to_run(run)

    return int(
        st.selectbox(
            "Checkpoint of step", steps, format_func=label, key=widget_key, on_change=remember, filter_mode=None
        )
    )


def _render_field(run: Run, step: int, name: str, value: Any) -> Any:
    # The key contains the step: another checkpoint brings the settings that were in force there.
    key = f"fork_{run.id}_{step}_{name}"
    setting = SETTINGS[name]
    # An open form keeps the page on this run: a page that follows whatever trains must not take it away.
    step_size = number_style(setting).step
    return number_field(
        setting, value, key=key, step=step_size, decimals=DECIMALS.get(name, 0), on_change=go_to_run, args=(run,)
    )


def _apply(run: Run, step: int, config: TrainConfig, values: dict[str, Any]) -> tuple[TrainConfig, str]:
    """Return the config with these values and an empty string, or unchanged and what is wrong with the values."""
    try:
        changed = dataclasses.replace(config, **values)
        lineage.check_epochs_left(run, changed, step)
        return changed, ""
    except ConfigError as error:
        return config, str(error)
