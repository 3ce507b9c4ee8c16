"""Connects the sidebar's widgets to a dictionary of settings."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import streamlit as st

from mnist_core.config import SETTINGS
from mnist_core.setting import Setting
from mnist_dashboard.train.settings.own_networks import network_choices
from mnist_dashboard.ui.number_field import format_number, parse_number, range_problem
from mnist_dashboard.ui.state import stale_widgets

Part = Literal["slider", "field"]
PARTS: tuple[Part, ...] = ("slider", "field")
"""The widgets that a setting may have; their keys are `<prefix><name>_<part>`."""


DECIMALS = {"momentum": 2}
"""Minimum number of decimals in the fields of settings; other fields show as many as they need."""


@dataclass(frozen=True)
class SettingsBinding:
    """The settings that a sidebar shows: those of the next run, of the run in progress, or of a run being viewed.

    When a widget changes, its value is stored, and the setting's other widget follows unless the value is out of range.
    """

    values: dict[str, Any]
    """Every setting as typed or chosen, valid or not; a text where a number was expected."""
    prefix: str = ""
    """Keeps the widget keys of this sidebar apart from those of others."""
    out_of_range: Mapping[str, str] = field(default_factory=dict)
    """What is wrong with single values, by setting; a slider cannot show such a value."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """Why settings are refused, by setting; their fields are marked."""
    changeable: Collection[str] = frozenset(SETTINGS)
    """Settings whose widgets are not disabled."""
    open_fields: Collection[str] = ()
    """Further settings whose fields are not disabled: somebody may be typing in one."""
    on_valid_change: Callable[[str], None] | None = None
    """Called with the name of a setting when the user has changed it to a value in range."""

    def widget_arguments(self, name: str, part: Part) -> dict[str, Any]:
        """Return the keyword arguments that bind a Streamlit widget to a setting, and set its initial value.

        The value is also passed as the default. The browser gets a value of the session once; if a rerun discards that
        message, it shows the default, 0 unless we pass one, and sends it back as if the user had entered it.
        """
        key = self._key(name, part)
        usable = part == "field" or name not in self.out_of_range
        shown = self._shown(name, part, self.values[name] if usable else SETTINGS[name].default)
        value = st.session_state.setdefault(key, shown)
        choices = setting_choices(name, value)
        default = {"index": choices.index(value)} if choices else {"value": value}
        return {
            "key": key,
            "on_change": self._on_widget_change,
            "args": (name, part),
            "disabled": not self._is_usable(name, part),
            **default,
        }

    def set_values(self, values: Mapping[str, Any]) -> None:
        """Change settings and the widgets that show them. Call it before the widgets are drawn."""
        self.values.update(values)
        for name in values:
            for part in PARTS:
                self._show_value(name, part)

    def _on_widget_change(self, name: str, part: Part) -> None:
        if not self._is_usable(name, part):
            return
        key = self._key(name, part)
        if stale_widgets.is_stale(key):
            self._show_value(name, part)
            return
        before, value = self.values[name], st.session_state[key]
        self.values[name] = parse_number(SETTINGS[name], value) if _is_typed(SETTINGS[name], part) else value
        for other in PARTS:  # the widget itself, too: `0,05` becomes `0.05`
            self._show_value(name, other)
        if self.on_valid_change and self.values[name] != before and not self._problem(name):
            self.on_valid_change(name)

    def _show_value(self, name: str, part: Part) -> None:
        if not self._problem(name):
            stale_widgets.set_widget_value(self._key(name, part), self._shown(name, part, self.values[name]))

    def _shown(self, name: str, part: Part, value: Any) -> Any:
        """Return a value as a widget of the setting holds it: a field for a number holds text."""
        return format_number(value, DECIMALS.get(name, 0)) if _is_typed(SETTINGS[name], part) else value

    def _is_usable(self, name: str, part: Part) -> bool:
        return name in self.changeable or (part == "field" and name in self.open_fields)

    def _problem(self, name: str) -> str:
        return range_problem(SETTINGS[name], self.values[name])

    def _key(self, name: str, part: Part) -> str:
        return f"{self.prefix}{name}_{part}"


def setting_choices(name: str, shown: Any) -> list[str]:
    """Return the values that a setting's select box offers, among them the one shown; empty if it has none."""
    return network_choices(shown) if name == "model" else list(SETTINGS[name].choices)


def _is_typed(setting: Setting, part: Part) -> bool:
    """Whether a widget is a text field for a number."""
    return part == "field" and not setting.choices and setting.kind is not bool


def range_problems(values: Mapping[str, Any]) -> dict[str, str]:
    """Return the `range_problem` of each setting that has one."""
    return {name: problem for name, value in values.items() if (problem := range_problem(SETTINGS[name], value))}
