"""The settings of the next run as the sidebar holds them, and what is wrong with them.

The values live in the session under `draft`, apart from the widgets, whose own state Streamlit forgets when the page
changes. The browser keeps them from one visit to the next.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnist_core import presets
from mnist_core.annotations import validate_name
from mnist_core.augmentations import augmentation_with, shift_with
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.system import machine
from mnist_dashboard import access
from mnist_dashboard.train.settings.binding import SettingsBinding, range_problems
from mnist_dashboard.train.settings.own_networks import find_problem
from mnist_dashboard.ui.number_field import range_problem
from mnist_dashboard.ui.state import browser_memory

_MEMORY = "draft"
"""Name of the draft in the browser's memory."""

CHANGED = " (changed)"
"""Follows the name of the preset that was chosen before settings were changed."""


@dataclass(frozen=True)
class Draft:
    """The settings of the next run, checked.

    A page reads it once per script run and passes it on. Callbacks run before the script and read their own.
    """

    values: dict[str, Any]
    """Every setting as typed or chosen, valid or not."""
    out_of_range: Mapping[str, str]
    """What is wrong with single values, by setting."""
    problems: Mapping[str, str]
    """Why the run cannot start, by setting: values out of range, and settings that do not go together."""
    config: TrainConfig
    """The values, with the default of each setting that has a problem."""
    preset: str
    """The preset that the values match, else the one chosen last, marked as changed."""


def read_draft() -> Draft:
    """Check the session's values; this validates each setting twice, alone and with the others."""
    values = _values()
    out_of_range = range_problems(values)
    problems = dict(out_of_range)
    usable = {name: SETTINGS[name].default if name in out_of_range else value for name, value in values.items()}
    try:
        config = TrainConfig(**usable)
    except ConfigError as error:  # two settings do not go together
        problems[error.field] = str(error)
        config = TrainConfig(**usable | {error.field: SETTINGS[error.field].default})
    if "model" not in problems and (problem := find_problem(config.model)):
        problems["model"] = problem
        config = dataclasses.replace(config, model=SETTINGS["model"].default)
    if config.precision == "bf16" and config.device in ("auto", "cpu") and not machine.has_bf16():
        problems["precision"] = "Precision bf16 is not available on this machine's cpu. Choose fp32."
        config = dataclasses.replace(config, precision=SETTINGS["precision"].default)
    return Draft(values, out_of_range, problems, config, _preset(values))


def bind_draft(draft: Draft) -> SettingsBinding:
    """Connect the sidebar's widgets to the draft."""
    ignored = {name for name in SETTINGS if not presets.has_effect(name, draft.values)}
    return SettingsBinding(
        draft.values,
        out_of_range=draft.out_of_range,
        problems=draft.problems,
        changeable=SETTINGS.keys() - (ignored - draft.out_of_range.keys()),  # a refused value can be corrected
        on_valid_change=_keep_change,
    )


def load_config(config: TrainConfig) -> None:
    """Put a config's values into the sidebar. Call it before the sidebar is drawn, e.g. in a widget's callback."""
    values = {name: getattr(config, name) for name in SETTINGS}
    SettingsBinding(_values()).set_values(values)
    st.session_state["preset_chosen"] = presets.match_preset(values)
    _remember()


def run_name() -> str:
    """Return the name that the user has typed for the next run."""
    _values()
    name: str = st.session_state["draft_name"]
    return name


def set_run_name(name: str) -> None:
    """Keep the name that the user has typed for the next run."""
    st.session_state["draft_name"] = name
    _remember()


def _keep_change(name: str) -> None:
    """Follow a change of augmentation or shift with the other of the two, and remember the draft."""
    values = _values()
    if name == "augmentation":
        shift = 0 if range_problem(SETTINGS["max_shift"], values["max_shift"]) else values["max_shift"]
        SettingsBinding(values).set_values({"max_shift": shift_with(values["augmentation"], shift)})
    elif name == "max_shift":
        SettingsBinding(values).set_values(_fitting_augmentation(values))
    _remember()


def _fitting_augmentation(values: Mapping[str, Any]) -> dict[str, Any]:
    return {"augmentation": augmentation_with(values["max_shift"], values["augmentation"])}


def _remember() -> None:
    """Let the browser keep the draft for the next page that opens. Refused values are left out.

    Called when something has changed, before the page is drawn: the drawing begins with the cookie.
    """
    refused = range_problems(_values())
    settings = {
        name: value for name, value in _values().items() if name not in refused and value != SETTINGS[name].default
    }
    chosen = st.session_state.get("preset_chosen", presets.DEFAULTS)
    parts = {"settings": settings, "name": run_name(), "preset": "" if chosen == presets.DEFAULTS else chosen}
    kept = {name: part for name, part in parts.items() if part}
    if kept or browser_memory.recall(_MEMORY):
        browser_memory.remember(_MEMORY, kept)


def _values() -> dict[str, Any]:
    """Return the session's dictionary, not a copy. A new session begins with what the browser has kept."""
    if "draft" not in st.session_state:
        # The recalled value may be forged, or of another version: everything in it is checked.
        kept = browser_memory.recall(_MEMORY) if access.may_act() else None
        parts = kept if isinstance(kept, dict) else {}
        defaults = {name: setting.default for name, setting in SETTINGS.items()}
        settings = defaults | _kept_settings(parts.get("settings"))
        st.session_state["draft"] = settings | _fitting_augmentation(settings)
        st.session_state["draft_name"] = _kept_name(parts.get("name"))
        if parts.get("preset") in (*presets.NAMES, presets.CUSTOM):
            st.session_state["preset_chosen"] = parts["preset"]
    values: dict[str, Any] = st.session_state["draft"]
    return values


def _kept_settings(kept: object) -> dict[str, Any]:
    """Return the settings in a recalled value that exist and are in range."""
    known = kept.items() if isinstance(kept, dict) else ()
    return {
        name: SETTINGS[name].validate(value)
        for name, value in known
        if name in SETTINGS and isinstance(value, str | int | float) and not range_problem(SETTINGS[name], value)
    }


def _kept_name(kept: object) -> str:
    with suppress(ConfigError):
        return validate_name(kept) if isinstance(kept, str) else ""
    return ""


# ---------------------------------------------------------------------- presets


def _preset(values: Mapping[str, Any]) -> str:
    name = presets.match_preset(values)
    chosen: str = st.session_state.get("preset_chosen", presets.DEFAULTS)
    if name != presets.CUSTOM or chosen == presets.CUSTOM:
        return name
    return f"{chosen}{CHANGED}"


def preset_key(preset: str) -> str:
    """Return the key of the select box that shows `preset`, and set its value.

    The key is a new one whenever other widgets have changed the preset. Otherwise the browser could hold an outdated
    choice and send it back as if the user had chosen it.
    """
    box: int = st.session_state.setdefault("preset_box", 0)
    if st.session_state.get(f"preset_{box}", preset) != preset:
        box = st.session_state["preset_box"] = box + 1
    st.session_state.setdefault(f"preset_{box}", preset)
    return f"preset_{box}"


def choose_preset(key: str) -> None:
    """Put the preset chosen in the select box with this key into all widgets."""
    chosen = st.session_state[key]
    current = f"preset_{st.session_state['preset_box']}"
    if key == current and chosen in presets.NAMES:  # not a box since replaced, nor the entry for changed settings
        SettingsBinding(_values()).set_values(presets.apply_preset(chosen, _values()))
        st.session_state["preset_chosen"] = chosen
        _remember()
