"""Draws one setting in the sidebar: its widgets, and the values at which its slider stops.

Ranges, labels and help come from the table of settings in `mnist_core.config`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from mnist_core.config import SETTINGS, Setting
from mnist_dashboard.train.settings_binding import PARTS, Part, SettingsBinding

LR_STOPS = (*(round(digits * 10.0**power, 6) for power in range(-4, 0) for digits in (1, 1.5, 2, 3, 5, 7)), 1.0)
BATCH_SIZE_STOPS = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


@dataclass(frozen=True)
class NumberStyle:
    """Step, format and widgets of a number."""

    step: float
    format: str | None = None
    parts: tuple[Part, ...] = ("field",)
    stops: tuple[float, ...] = ()
    """Values at which the slider stops; empty if it moves by `step`."""

    @property
    def field_arguments(self) -> dict[str, Any]:
        """Keyword arguments for `st.number_input`."""
        return {"step": self.step, "format": self.format}


NUMBER_STYLES = {
    "batch_size": NumberStyle(1, parts=PARTS, stops=BATCH_SIZE_STOPS),
    "lr": NumberStyle(0.001, "%g", parts=PARTS, stops=LR_STOPS),
    "momentum": NumberStyle(0.01, "%.2f", parts=PARTS),
    "epochs": NumberStyle(1, parts=PARTS),
    "weight_decay": NumberStyle(0.0001, "%g"),
    "label_smoothing": NumberStyle(0.05, "%g"),
    "gamma": NumberStyle(0.05, "%g"),
    "validation_fraction": NumberStyle(0.05, parts=("slider",)),
}
"""Styles of the numbers that need more than a plain field."""


def number_style(setting: Setting) -> NumberStyle:
    """Return the style of a number; by default a field that counts by 1 or 0.01."""
    default = NumberStyle(1) if setting.kind is int else NumberStyle(0.01, "%g")
    return NUMBER_STYLES.get(setting.name, default)


def render_setting(name: str, binding: SettingsBinding, *, disabled: bool = False) -> None:
    """Draw a setting's widgets and, below them, its problem."""
    setting = SETTINGS[name]
    disabled = disabled or binding.disabled
    if setting.choices:
        _render_choice(setting, binding, disabled)
    elif setting.kind is bool:
        arguments = binding.widget_arguments(name, "field")
        st.checkbox(setting.label, help=setting.help, disabled=disabled, **arguments)
    else:
        _render_number(setting, number_style(setting), binding, disabled)
    if problem := binding.problems.get(name):
        st.markdown(f":red[:small[{problem}]]")


def _render_choice(setting: Setting, binding: SettingsBinding, disabled: bool) -> None:
    st.selectbox(
        setting.label,
        list(setting.choices),
        format_func=setting.choices.__getitem__,
        help=setting.help,
        disabled=disabled,
        **binding.widget_arguments(setting.name, "field"),
    )


def _render_number(setting: Setting, style: NumberStyle, binding: SettingsBinding, disabled: bool) -> None:
    if style.parts == ("slider",):
        _render_slider(setting, style, binding, disabled)
        return
    if style.parts == ("field",):
        _render_field(setting, style, binding, disabled)
        return
    slider, field = st.columns([1, 0.42], gap="small", vertical_alignment="bottom", wrap=False)
    with slider:
        _render_slider(setting, style, binding, disabled)
    with field:
        _render_field(setting, style, binding, disabled, is_next_to_slider=True)


def _render_slider(setting: Setting, style: NumberStyle, binding: SettingsBinding, disabled: bool) -> None:
    arguments = binding.widget_arguments(setting.name, "slider") | {"help": setting.help, "disabled": disabled}
    if style.stops:
        st.select_slider(setting.label, sorted({*style.stops, st.session_state[arguments["key"]]}), **arguments)
    else:
        low, high = setting.kind(setting.low), setting.kind(setting.high)
        st.slider(setting.label, low, high, step=style.step, **arguments)


def _render_field(
    setting: Setting, style: NumberStyle, binding: SettingsBinding, disabled: bool, *, is_next_to_slider: bool = False
) -> None:
    # Python checks the range: Streamlit's own limits would reject a value in the browser without naming the setting.
    st.number_input(
        f"{setting.label}, exact value" if is_next_to_slider else setting.label,
        label_visibility="collapsed" if is_next_to_slider else "visible",
        help=None if is_next_to_slider else setting.help,
        disabled=disabled,
        **style.field_arguments,
        **binding.widget_arguments(setting.name, "field"),
    )
