"""The widgets of the search form. Each stores what was entered in `search_draft`, which outlives the widget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from mnist_core.config import SETTINGS, choice_label
from mnist_core.setting import Setting
from mnist_dashboard.sweep import search_draft as drafts
from mnist_dashboard.train.settings.widgets import number_style, slider_stops
from mnist_dashboard.ui.number_field import format_number, number_field, parse_number
from mnist_dashboard.ui.state import stale_widgets


def number(name: str, value: Any, *, problem: str, disabled: bool, step: float, **options: Any) -> None:
    """A field for a number; a step of 0 stands for that of the setting. `options` are those of `number_field`."""
    setting = drafts.field_setting(name)
    assert setting is not None
    key = _key(name)
    st.session_state.setdefault(key, format_number(value))
    is_limit = drafts.may_be_empty(name)
    number_field(
        replace(setting, label=f"{setting.label}, at most") if is_limit else setting,
        value,
        key=key,
        step=step or number_style(setting).step,
        problem=problem,
        disabled=disabled,
        on_change=_store_number,
        args=(name, setting),
        **options,
    )


def choice_field(name: str, value: str, *, label: str, help: str, disabled: bool) -> None:
    """A select box for one of `search_draft.CHOICES`."""
    choices = drafts.CHOICES[name]
    st.selectbox(
        label,
        list(choices),
        index=list(choices).index(value),
        format_func=choices.__getitem__,
        help=help,
        filter_mode=None,
        **_bound(name, value, disabled=disabled),
    )


def switch(name: str, value: bool, *, label: str, disabled: bool) -> None:
    """A check box."""
    st.checkbox(label, value, width="stretch", **_bound(name, value, disabled=disabled))


def values_field(name: str, value: list[Any], *, disabled: bool) -> None:
    """A field for several values of a setting."""
    setting = name.partition(".")[0]
    st.multiselect(
        f"{SETTINGS[setting].label}, values to try",
        drafts.all_values(setting),
        value,
        format_func=partial(_value_label, setting),
        label_visibility="collapsed",
        **_bound(name, value, disabled=disabled),
    )


def range_slider(name: str, low: Any, high: Any, *, disabled: bool) -> None:
    """A slider with two handles for the ends of a range; it stays where it was while an end is not acceptable."""
    setting = SETTINGS[name]
    fits = drafts.is_acceptable(f"{name}.low", low) and drafts.is_acceptable(f"{name}.high", high) and low <= high
    value = (setting.kind(low), setting.kind(high)) if fits else (setting.kind(setting.low), setting.kind(setting.high))
    key = _key(f"{name}.range", part="range")
    if st.session_state.get(key) != value:
        stale_widgets.set_widget_value(key, value)
        st.session_state.setdefault(key, value)
    options: dict[str, Any] = {
        "label_visibility": "collapsed",
        "key": key,
        "disabled": disabled,
        "on_change": _store_range,
        "args": (name, key),
    }
    style, label = number_style(setting), f"{setting.label}, range"
    if style.stops:
        stops = sorted({*slider_stops(name, value[0]), value[1]})
        st.select_slider(label, stops, value, **options)
    else:
        ends = setting.kind(setting.low), setting.kind(setting.high)
        st.slider(label, *ends, value, step=setting.kind(style.step), **options)


def show(name: str, value: Any) -> None:
    """Change a value and the widget that shows it. Call it before the form is drawn."""
    drafts.change(name, value)
    stale_widgets.set_widget_value(_key(name), _shown(name, value))


def narrow(parameters: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Search these ranges and values alone; see `search_draft.narrow`. Call it before the form is drawn."""
    searched, left_out = drafts.narrow(parameters)
    _refresh()
    return searched, left_out


def restore(values: Mapping[str, Any]) -> None:
    """Put back the values that `search_draft.snapshot` returned. Call it before the form is drawn."""
    drafts.replace(values)
    _refresh()


def _refresh() -> None:
    for name, value in drafts.snapshot().items():
        stale_widgets.set_widget_value(_key(name), _shown(name, value))


def _bound(name: str, value: Any, *, disabled: bool) -> dict[str, Any]:
    key = _key(name)
    st.session_state.setdefault(key, value)
    return {"key": key, "on_change": _store, "args": (name,), "disabled": disabled}


def _store(name: str) -> None:
    _store_unless_stale(name, lambda value: value)


def _store_number(name: str, setting: Setting) -> None:
    def parse(text: str) -> Any:
        return "" if drafts.may_be_empty(name) and not text.strip() else parse_number(setting, text)

    _store_unless_stale(name, parse)


def _store_unless_stale(name: str, parse: Callable[[Any], Any]) -> None:
    key = _key(name)
    if stale_widgets.is_stale(key):
        stale_widgets.set_widget_value(key, _shown(name, drafts.snapshot()[name]))
        return
    value = parse(st.session_state[key])
    drafts.change(name, value)
    if drafts.is_acceptable(name, value):
        stale_widgets.set_widget_value(key, _shown(name, value))  # `0,05` becomes `0.05`


def _store_range(name: str, key: str) -> None:
    if stale_widgets.is_stale(key):
        return
    low, high = st.session_state[key]
    show(f"{name}.low", low)
    show(f"{name}.high", high)


def _shown(name: str, value: Any) -> Any:
    """Return a value as its widget holds it: a number field holds text."""
    return format_number(value) if drafts.field_setting(name) else value


def _value_label(setting: str, value: Any) -> str:
    return ("On" if value else "Off") if SETTINGS[setting].kind is bool else choice_label(setting, value)


def _key(name: str, part: str = "field") -> str:
    return f"search_{name.replace('.', '_')}_{part}"
