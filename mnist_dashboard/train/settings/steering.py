"""The sidebar's settings of the run shown: while it trains, a change applies from its next batch on."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import RunStateError
from mnist_core.records import ADJUSTABLE, Adjustment, Command, Run, RunStatus
from mnist_dashboard import access, services
from mnist_dashboard.train.settings.binding import SettingsBinding, range_problems
from mnist_dashboard.ui import messages

PREFIX = "this_"
"""Prefix of the widget keys. It names no run, so that the widgets stay when the page moves on to another run."""

STEERABLE = (RunStatus.RUNNING, RunStatus.PAUSED)

_STEERED_KEY = "steered_run"
"""Session key of the run whose settings could be changed when they were last drawn."""


def bind_run(run: Run | None, config: TrainConfig, *, may_act: bool) -> tuple[str, SettingsBinding]:
    """Return a hint, and the connection of the widgets to the run. Without a run they show `config`.

    The widgets show the settings in force, also after somebody else has changed them. The fields of a run that has
    ended stay usable until the first change, which is refused: somebody may be typing in one.
    """
    values = asdict(config) | (current_settings(run) if run else {})
    is_steerable = may_act and run is not None and run.status in STEERABLE
    adjustable = frozenset(name for name in ADJUSTABLE if presets.has_effect(name, values))
    if is_steerable and run:
        st.session_state[_STEERED_KEY] = run.id
    is_open = may_act and run is not None and st.session_state.get(_STEERED_KEY) == run.id
    in_force: dict[str, Any] = st.session_state.setdefault(f"{PREFIX}in_force", {})
    typed: dict[str, Any] = st.session_state.setdefault(f"{PREFIX}typed", {})
    known = in_force if is_open else typed  # once nothing can be changed, text that was not accepted is dropped
    changed = {name: value for name, value in values.items() if known.get(name) != value}
    in_force.update(values)
    SettingsBinding(typed, PREFIX).set_values(changed)
    problems = range_problems(typed)

    def send(name: str) -> None:
        if run:
            messages.attempt(lambda: _adjust(run, name, typed[name]), place=messages.SIDEBAR)

    binding = SettingsBinding(
        typed,
        PREFIX,
        problems,
        problems,
        changeable=adjustable if is_steerable else (),
        open_fields=adjustable if is_open else (),
        on_valid_change=send,
    )
    return _hint(run, may_act=may_act), binding


def release() -> None:
    """Disable the settings of a run that has ended when they are next drawn."""
    st.session_state.pop(_STEERED_KEY, None)


def current_settings(run: Run) -> dict[str, Any]:
    """Return the adjustable settings now in force: those of the config, with all changes made since."""
    values = {name: getattr(run.config, name) for name in ADJUSTABLE}
    return values | {change.field: SETTINGS[change.field].kind(change.new) for change in run.interventions}


def _adjust(run: Run, name: str, value: Any) -> None:
    try:
        adjustment = Adjustment(**{name: value})
        services.current().actions.send_command(run.id, Command.ADJUST, adjustment, by=access.current_user())
    except RunStateError:
        release()
        raise


def _hint(run: Run | None, *, may_act: bool) -> str:
    if not may_act:
        return "You are watching. Only the owner can change settings."
    if run is None:
        return "There is no run yet. Start one under Next run."
    if run.status in STEERABLE:
        return "Changes apply from the next batch and are marked on the charts."
    if run.status.is_finished:
        return "This run is over. Its settings stay as they are."
    return "The settings can be changed once this run trains."
