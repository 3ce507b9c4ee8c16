"""The sidebar's settings of the run in progress: a change applies from its next batch on."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mnist_core.config import SETTINGS
from mnist_core.records import ADJUSTABLE, Adjustment, Command, Run
from mnist_dashboard import access, services
from mnist_dashboard.train.settings_binding import SettingsBinding, range_problems
from mnist_dashboard.train.settings_widgets import render_setting
from mnist_dashboard.ui import messages


def render_steering_sidebar(run: Run) -> None:
    """Draw the settings. A value out of range is named under its field and changes nothing."""
    binding = _bind_run(run)
    with st.sidebar, st.container(key="settings"):
        st.caption("Changes apply from the next batch and are marked on the charts.")
        for name in ("batch_size", "lr", "momentum"):
            render_setting(name, binding)


def current_settings(run: Run) -> dict[str, Any]:
    """Return the adjustable settings now in force: those of the config, with all changes made since."""
    values = {name: getattr(run.config, name) for name in ADJUSTABLE}
    return values | {change.field: SETTINGS[change.field].kind(change.new) for change in run.interventions}


def _bind_run(run: Run) -> SettingsBinding:
    """Connect the widgets to the run. They show the settings in force, also after somebody else has changed them."""
    prefix = f"steer_{run.id}_"
    in_force: dict[str, Any] = st.session_state.setdefault(f"{prefix}in_force", {})
    typed: dict[str, Any] = st.session_state.setdefault(f"{prefix}typed", {})

    def send(name: str) -> None:
        adjustment = Adjustment(**{name: typed[name]})
        actions, user = services.current().actions, access.current_user()
        messages.attempt(lambda: actions.send_command(run.id, Command.ADJUST, adjustment, by=user))

    changed = {name: value for name, value in current_settings(run).items() if in_force.get(name) != value}
    in_force.update(changed)
    SettingsBinding(typed, prefix).set_values(changed)
    problems = range_problems(typed)
    return SettingsBinding(typed, prefix, out_of_range=problems, problems=problems, on_valid_change=send)
