"""Connects the sidebar's widgets to a dictionary of settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from mnist_core.config import SETTINGS
from mnist_core.errors import ConfigError
from mnist_dashboard.train import stale_widgets

Part = Literal["slider", "field"]
PARTS: tuple[Part, ...] = ("slider", "field")
"""The widgets that a setting may have; their keys are `<prefix><name>_<part>`."""


@dataclass(frozen=True)
class SettingsBinding:
    """The settings that a sidebar shows: those of the next run, of the run in progress, or of a run being viewed.

    When a widget changes, its value is stored, and the setting's other widget follows unless the value is out of range.
    """

    values: dict[str, Any]
    """Every setting as typed or chosen, valid or not."""
    prefix: str = ""
    """Keeps the widget keys of this sidebar apart from those of others."""
    out_of_range: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with single values, by setting; a slider cannot show such a value."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Sentences to show below the widgets, by setting."""
    disabled: bool = False
    on_valid_change: Callable[[str], None] | None = None
    """Called with the name of a setting when the user has changed it to a value in range."""

    def widget_arguments(self, name: str, part: Part) -> dict[str, Any]:
        """Return the keyword arguments that bind a Streamlit widget to a setting, and set its initial value.

        The value is also passed as the default. The browser gets a value of the session once; if a rerun discards that
        message, it shows the default, 0 unless we pass one, and sends it back as if the user had entered it.
        """
        key = self._key(name, part)
        usable = part == "field" or name not in self.out_of_range
        value = st.session_state.setdefault(key, self.values[name] if usable else SETTINGS[name].default)
        choices = SETTINGS[name].choices
        default = {"index": list(choices).index(value)} if choices else {"value": value}
        return {"key": key, "on_change": self._on_widget_change, "args": (name, part), **default}

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Change settings and the widgets that show them. Call it before the widgets are drawn."""
        self.values.update(values)
        for name in values:
            for part in PARTS:
                self._show_value(name, part)

    def _on_widget_change(self, name: str, part: Part) -> None:
        if self.disabled:
            return
        key = self._key(name, part)
        if stale_widgets.is_stale(key):
            self._show_value(name, part)
            return
        self.values[name] = st.session_state[key]
        self._show_value(name, "field" if part == "slider" else "slider")
        if self.on_valid_change and not range_problem(name, self.values[name]):
            self.on_valid_change(name)

    def _show_value(self, name: str, part: Part) -> None:
        value = self.values[name]
        if not range_problem(name, value):
            stale_widgets.set_widget_value(self._key(name, part), value)

    def _key(self, name: str, part: Part) -> str:
        return f"{self.prefix}{name}_{part}"


def range_problem(name: str, value: object) -> str:
    """Return a sentence that says why a setting refuses a value, or an empty string if it accepts the value."""
    try:
        SETTINGS[name].validate(value)
    except ConfigError as error:
        return str(error)
    return ""


def range_problems(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the `range_problem` of each setting that has one."""
    return {name: problem for name, value in values.items() if (problem := range_problem(name, value))}
