"""The form behind the button "Fork": a new run that goes on from any checkpoint of a run, with other settings."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_core.checkpoints.index import BEST, checkpoints_dir, list_checkpoints
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import Run
from mnist_core.runs import lineage
from mnist_dashboard import services
from mnist_dashboard.train.settings_widgets import NUMBER_STYLES
from mnist_dashboard.ui import markdown, messages
from mnist_dashboard.ui.formatting import format_count

FIELDS = ("lr", "momentum", "batch_size", "weight_decay", "epochs")
"""The settings that a fork can change."""


def render_fork_form(run: Run, go_to: Callable[[Run], None]) -> None:
    """Draw the button and its form, if the run has a checkpoint. `go_to` shows the run that was made."""
    points = sorted(lineage.fork_points(run), reverse=True)
    if not points:
        return
    with st.popover("Fork", icon=":material/call_split:"):
        st.caption(f"A new run that goes on from a checkpoint of {markdown.escape(run.name)}, its curve included.")
        step = _choose_step(run, points)
        config = lineage.config_at(run, step)
        typed = {name: _field(run, step, name, getattr(config, name)) for name in FIELDS}
        changed, problem = _with(config, typed)
        if problem:
            st.markdown(f":red[:small[{problem}]]")
        messages.action_button(
            "Start the fork",
            "call_split",
            lambda: go_to(services.current().actions.fork(run, changed, step)),
            help="Trains from there on with these settings; the original run stays as it is.",
            type="primary",
            disabled=bool(problem),
        )


def _choose_step(run: Run, points: list[int]) -> int:
    """The checkpoint that was chosen, the latest until one was; a run in progress replaces them as it goes."""
    key, chosen = f"fork_{run.id}_step", f"fork_{run.id}_chosen"
    step = st.session_state.get(chosen)
    st.session_state[key] = step if step in points else points[0]
    best = list_checkpoints(checkpoints_dir(run.id), BEST)

    def label(step: int) -> str:
        marks = [mark for mark, holds in (("latest", step == points[0]), ("best validation", step in best)) if holds]
        return format_count(step) + (f" ({', '.join(marks)})" if marks else "")

    def choose() -> None:
        st.session_state[chosen] = st.session_state[key]

    return int(
        st.selectbox("Checkpoint of step", points, format_func=label, key=key, on_change=choose, filter_mode=None)
    )


def _field(run: Run, step: int, name: str, value: Any) -> Any:
    # Named after the step: another checkpoint brings the settings that were in force there.
    key = f"fork_{run.id}_{step}_{name}"
    setting = SETTINGS[name]
    arguments = NUMBER_STYLES[name].field_arguments
    return st.number_input(setting.label, value=value, help=setting.help, key=key, **arguments)


def _with(config: TrainConfig, typed: dict[str, Any]) -> tuple[TrainConfig, str]:
    """The settings as typed, and what is wrong with them; then as they were."""
    try:
        return dataclasses.replace(config, **typed), ""
    except ConfigError as error:
        return config, str(error)
