"""The sidebar's settings of the run that is going: moved here, they change from its next batch on."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mnist_core.config import SETTINGS
from mnist_core.errors import ConfigError, MnistError
from mnist_core.records import ADJUSTABLE, Adjustment, Command, Run
from mnist_dashboard import access, services
from mnist_dashboard.train import stale_widgets
from mnist_dashboard.train.run_actions import PROBLEM_KEY
from mnist_dashboard.train.settings_sidebar import BATCH_SIZE_STOPS, LR_STOPS, Binding, render_slider_with_field


def render_steering_sidebar(run: Run) -> None:
    """Draw them. A value out of range is named under its field and changes nothing."""
    binding = _binding(run)
    with st.sidebar, st.container(key="settings"):
        st.caption("Changes apply from the next batch and are marked on the charts.")
        render_slider_with_field("batch_size", stops=BATCH_SIZE_STOPS, step=1, binding=binding)
        render_slider_with_field("lr", stops=LR_STOPS, step=0.001, format="%g", binding=binding)
        render_slider_with_field("momentum", step=0.01, format="%.2f", binding=binding)


def current_settings(run: Run) -> dict[str, Any]:
    """The adjustable settings as they are now: the config's, then what was changed since."""
    values = {name: getattr(run.config, name) for name in ADJUSTABLE}
    return values | {one.field: SETTINGS[one.field].kind(one.new) for one in run.interventions}


def _binding(run: Run) -> Binding:
    """Ties the widgets to the run: they show what is in force, also when somebody else has changed it."""
    prefix = f"steer_{run.id}_"
    known: dict[str, Any] = st.session_state.setdefault(f"{prefix}known", {})
    typed: dict[str, Any] = st.session_state.setdefault(f"{prefix}typed", {})
    for name, value in current_settings(run).items():
        if known.get(name) != value:
            known[name] = typed[name] = value
            for part in ("slider", "field"):
                stale_widgets.set_widget_value(f"{prefix}{name}_{part}", value)

    def take(name: str, part: str) -> None:
        key = f"{prefix}{name}_{part}"
        if stale_widgets.is_echo(key):
            stale_widgets.set_widget_value(key, typed[name])
            return
        typed[name] = st.session_state[key]
        if out_of_range(name):
            return
        stale_widgets.set_widget_value(f"{prefix}{name}_{'field' if part == 'slider' else 'slider'}", typed[name])
        try:
            adjustment = Adjustment(**{name: typed[name]})
            services.current().actions.send_command(run.id, Command.ADJUST, adjustment, by=access.current_user())
        except MnistError as error:
            st.session_state[PROBLEM_KEY] = str(error)

    def out_of_range(name: str) -> str:
        try:
            SETTINGS[name].validate(typed[name])
        except ConfigError as error:
            return str(error)
        return ""

    return Binding(
        values=lambda: typed,
        take=take,
        out_of_range=out_of_range,
        problems=lambda: {name: problem for name in ADJUSTABLE if (problem := out_of_range(name))},
        prefix=prefix,
    )
