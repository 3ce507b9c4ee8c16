"""What has been set for the next run, kept in the session, and what is wrong with it.

It is kept under `draft`, apart from the widgets, whose own state Streamlit forgets when the page changes. A setting's
widgets have the keys `<name>_slider` and `<name>_field`.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.system import machine
from mnist_dashboard.train import echoes


def values() -> dict[str, Any]:
    """Every setting as it was typed or chosen, right or wrong."""
    draft: dict[str, Any] = st.session_state.setdefault(
        "draft", {name: setting.default for name, setting in SETTINGS.items()}
    )
    return draft


def config() -> TrainConfig:
    """The settings as they stand, fields with a problem at their default."""
    wrong = problems()
    return TrainConfig(**{name: SETTINGS[name].default if name in wrong else value for name, value in values().items()})


def load_config(config: TrainConfig) -> None:
    """Put a config's values into the sidebar. To be called before it is drawn, as a widget's callback is."""
    _set_values({name: getattr(config, name) for name in SETTINGS})
    st.session_state["preset_chosen"] = presets.match_preset(values())


def on_widget_change(name: str, part: str) -> None:
    """A widget was moved: remember its value, and have the other widget of the same setting follow."""
    value = st.session_state[f"{name}_{part}"]
    if echoes.is_echo(f"{name}_{part}"):
        if not range_problem(name):
            _show_value(name, part)
        return
    values()[name] = value
    if not range_problem(name):
        _show_value(name, "field" if part == "slider" else "slider")


def _set_values(new: dict[str, Any]) -> None:
    values().update(new)
    for name in new:
        if not range_problem(name):
            _show_value(name, "slider")
            _show_value(name, "field")


def _show_value(name: str, part: str) -> None:
    echoes.set_widget_value(f"{name}_{part}", values()[name])


# ---------------------------------------------------------------------- presets


def preset() -> str:
    """What the settings amount to: a preset, or the one chosen last with a mark that something was changed since."""
    name = presets.match_preset(values())
    chosen: str = st.session_state.get("preset_chosen", presets.DEFAULTS)
    if name != presets.CUSTOM or chosen == presets.CUSTOM:
        return name
    return f"{chosen} (changed)"


def preset_key() -> str:
    """Key of the select box, already holding what it shows: a new one whenever that changed by other means.

    So the browser never holds an outdated choice, which would come back as if somebody had chosen it.
    """
    box: int = st.session_state.setdefault("preset_box", 0)
    if st.session_state.get(f"preset_{box}", preset()) != preset():
        box = st.session_state["preset_box"] = box + 1
    st.session_state.setdefault(f"preset_{box}", preset())
    return f"preset_{box}"


def choose_preset(key: str) -> None:
    """The select box with this key was moved: put its preset into all widgets."""
    chosen = st.session_state[key]
    current = f"preset_{st.session_state['preset_box']}"
    if key == current and chosen in presets.NAMES:  # not one replaced, nor the entry for the settings as they are
        _set_values(presets.apply_preset(chosen, values()))
        st.session_state["preset_chosen"] = chosen


# ---------------------------------------------------------------------- what is wrong


def range_problem(name: str) -> str:
    """What is wrong with a setting taken by itself; empty if nothing is."""
    try:
        SETTINGS[name].validate(values()[name])
    except ConfigError as error:
        return str(error)
    return ""


def problems() -> dict[str, str]:
    """What keeps a run from being started, in a sentence for each setting concerned."""
    found = {name: problem for name in SETTINGS if (problem := range_problem(name))}
    usable = {name: SETTINGS[name].default if name in found else value for name, value in values().items()}
    try:
        TrainConfig(**usable)
    except ConfigError as error:  # two settings do not go together
        found[error.field] = str(error)
    if usable["precision"] == "bf16" and usable["device"] in ("auto", "cpu") and not machine.has_bf16():
        found["precision"] = "Precision bf16 is not available on this machine's cpu. Choose fp32."
    return found
