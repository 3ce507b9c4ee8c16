"""Draws one setting in the sidebar: its widgets, and the values at which its slider stops.

Ranges, labels and help come from the table of settings in `mnist_core.config`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import streamlit as st

from mnist_core.config import SETTINGS, choice_label
from mnist_core.setting import Setting
from mnist_dashboard.train.settings.binding import DECIMALS, PARTS, Part, SettingsBinding, setting_choices
from mnist_dashboard.ui.number_field import number_field

LR_STOPS = (*(round(digits * 10.0**power, 6) for power in range(-4, 0) for digits in (1, 1.5, 2, 3, 5, 7)), 1.0)
BATCH_SIZE_STOPS = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)


@dataclass(frozen=True)
class NumberStyle:
    """Step and widgets of a number."""

    step: float
    parts: tuple[Part, ...] = ("field",)
    stops: tuple[float, ...] = ()
    """Values at which the slider stops; empty if it moves by `step`."""


NUMBER_STYLES = {
    "batch_size": NumberStyle(1, PARTS, BATCH_SIZE_STOPS),
    "lr": NumberStyle(0.001, PARTS, LR_STOPS),
    "momentum": NumberStyle(0.01, PARTS),
    "epochs": NumberStyle(1, PARTS),
    "weight_decay": NumberStyle(0.0001),
    "label_smoothing": NumberStyle(0.05),
    "gamma": NumberStyle(0.05),
    "validation_fraction": NumberStyle(0.05, ("slider",)),
    "min_delta": NumberStyle(0.001),
    "train_fraction": NumberStyle(0.01, ("slider",)),
}
"""Styles of the numbers that need more than a plain field."""


def number_style(setting: Setting) -> NumberStyle:
    """Return the style of a number; by default a field that counts by 1 or 0.01."""
    return NUMBER_STYLES.get(setting.name, NumberStyle(1 if setting.kind is int else 0.01))


def slider_stops(name: str, shown: float) -> list[float]:
    """Return the values at which the slider of a setting stops, among them the one shown."""
    return sorted({*NUMBER_STYLES[name].stops, shown})


def render_setting(name: str, binding: SettingsBinding) -> None:
    """Draw a setting's widgets, each row as high in every state."""
    setting = SETTINGS[name]
    if setting.choices:
        arguments = binding.widget_arguments(name, "field")
        st.selectbox(
            setting.label,
            setting_choices(name, st.session_state[arguments["key"]]),
            format_func=partial(choice_label, name),
            help=setting.help,
            **arguments,
        )
    elif setting.kind is bool:
        st.checkbox(setting.label, help=setting.help, **binding.widget_arguments(name, "field"))
    else:
        _render_number(setting, number_style(setting), binding)


def _render_number(setting: Setting, style: NumberStyle, binding: SettingsBinding) -> None:
    if style.parts == ("slider",):
        _render_slider(setting, style, binding)
        return
    if style.parts == ("field",):
        _render_field(setting, style, binding)
        return
    slider, field = st.columns([1, 0.42], gap="small", vertical_alignment="bottom", wrap=False)
    with slider:
        _render_slider(setting, style, binding)
    with field:
        _render_field(setting, style, binding, is_next_to_slider=True)


def _render_slider(setting: Setting, style: NumberStyle, binding: SettingsBinding) -> None:
    arguments = binding.widget_arguments(setting.name, "slider") | {"help": setting.help}
    if style.stops:
        st.select_slider(setting.label, slider_stops(setting.name, st.session_state[arguments["key"]]), **arguments)
    else:
        low, high = setting.kind(setting.low), setting.kind(setting.high)
        st.slider(setting.label, low, high, step=style.step, **arguments)


def _render_field(
    setting: Setting, style: NumberStyle, binding: SettingsBinding, *, is_next_to_slider: bool = False
) -> None:
    number_field(
        setting,
        step=style.step,
        decimals=DECIMALS.get(setting.name, 0),
        problem=binding.problems.get(setting.name, ""),
        is_next_to_slider=is_next_to_slider,
        **binding.widget_arguments(setting.name, "field"),
    )
