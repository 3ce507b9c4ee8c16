"""The state of the widgets next to the table of runs, kept in the session and written to the page's address.

The page does not use Streamlit's own binding of widgets to the address. It writes the table's parameters itself, in
reply to an older address, and so would undo what a bound widget has written since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

import streamlit as st

from mnist_core import labels
from mnist_core.analysis.smoothing import DEFAULT_SMOOTHING
from mnist_core.config import SETTINGS
from mnist_dashboard.components.live_chart import Axis, Field
from mnist_dashboard.ui.state import view_settings

VIEWS = ("Curves", "Verdict", "Hyperparameters", "Details")
FIELDS: dict[str, Field] = {
    "Loss": "loss",
    "Accuracy": "accuracy",
    SETTINGS["lr"].label: "lr",
    labels.SPEED: "examples_per_second",
}
AXES: dict[str, Axis] = {labels.STEP: "step", labels.EPOCH: "epoch", "Images": "images", labels.DURATION: "time"}

assert set(FIELDS.values()) == set(get_args(Field))
assert set(AXES.values()) == set(get_args(Axis))

Value = str | list[str] | bool | float
DEFAULTS: dict[str, Value] = {
    "show": "Curves",
    "curves": ["Loss", "Accuracy"],
    "over": labels.STEP,
    "logx": False,
    "logy": True,
    "difference": False,
    "bands": False,
    "small": False,
    "smoothed": DEFAULT_SMOOTHING,
}
"""Default of each widget by its key, which is also the parameter's name in the address."""

_SINGLE_CHOICES: dict[str, Sequence[str]] = {"show": VIEWS, "over": tuple(AXES)}
_MULTIPLE_CHOICES: dict[str, Sequence[str]] = {"curves": tuple(FIELDS)}
_OLDER_NAMES = {"Throughput": labels.SPEED, "Time": labels.DURATION}
"""Choices in older addresses, and what they are called now."""
_BOOLEANS = {"true": True, "false": False}
_HUNDREDTHS = re.compile(r"0(\.\d{1,2})?", re.ASCII)
_SESSION_KEY = "runs_choices"
"""Session key of all values: Streamlit forgets a widget's value when a rerun does not draw it."""
_CHOSEN_KEY = "runs_chosen"
"""Session key of the widgets whose value somebody chose, here or in the address."""
_DEFAULTS_KEY = "runs_defaults"
"""Session key of the defaults that depend on the selected runs: see `set_default`."""


_SHARED = {"logy": "log_loss", "smoothed": "smoothing"}
"""Widgets of settings that all pages share and the browser keeps: their names in `ViewSettings`."""


def restore(parameters: Mapping[str, Sequence[str]]) -> None:
    """Set each widget to its earlier value in this session, else to the address's, else to its default."""
    values: dict[str, Value] = st.session_state.setdefault(_SESSION_KEY, {})
    for name, default in DEFAULTS.items():
        if name in st.session_state:
            values[name] = st.session_state[name]
            if name in _SHARED:
                _share(name, values[name])
            continue  # setting it again would undo what the user clicks meanwhile
        value = None
        if name not in values:
            value = _parse(name, parameters.get(name, []))
            if name in _SHARED and value is not None:  # a link shows what its sender saw, and changes no habit
                view_settings.change({_SHARED[name]: value}, remember=False)
        if name in _SHARED:
            value = getattr(view_settings.read(), _SHARED[name])
        if value is not None and (name not in values or value != values[name]):
            st.session_state.setdefault(_CHOSEN_KEY, set()).add(name)
            values[name] = value
        st.session_state[name] = values.setdefault(name, default)


def _share(name: str, value: Value) -> None:
    """Keep a value that somebody has chosen for all pages."""
    current = getattr(view_settings.read(), _SHARED[name])
    if value != (_default(name) if current is None else current):
        view_settings.change({_SHARED[name]: value})


def forget() -> None:
    """Forget the widgets' values, so that `restore` takes those of the address."""
    for name in (*DEFAULTS, _SESSION_KEY, _CHOSEN_KEY):
        st.session_state.pop(name, None)


def set_default(name: str, default: Value) -> None:
    """Set the default of a widget that depends on the selected runs, before the widget is drawn.

    The widget follows it until somebody chooses another value.
    """
    chosen: set[str] = st.session_state.setdefault(_CHOSEN_KEY, set())
    if st.session_state[name] != _default(name):
        chosen.add(name)
    st.session_state.setdefault(_DEFAULTS_KEY, {})[name] = default
    if name not in chosen and st.session_state[name] != default:
        st.session_state[name] = st.session_state[_SESSION_KEY][name] = default


def _default(name: str) -> Value:
    defaults: dict[str, Value] = st.session_state.get(_DEFAULTS_KEY, {})
    return defaults.get(name, DEFAULTS[name])


def arguments(name: str, default: str = "value") -> dict[str, Any]:
    """Return the keyword arguments that bind a widget to its value; `default` is what the widget calls its default.

    The value is also passed as the default, for the reason that `SettingsBinding.widget_arguments` gives.
    """
    return {"key": name, default: st.session_state[name]}


def to_address() -> dict[str, str | list[str]]:
    """The parameters for all widgets, without those that have their default."""
    return {name: _format(st.session_state[name]) for name in DEFAULTS if st.session_state[name] != _default(name)}


def unreadable_parameters(parameters: Mapping[str, Sequence[str]]) -> list[str]:
    """The names of parameters in an address whose values cannot be read."""
    return [name for name in DEFAULTS if parameters.get(name) and _parse(name, parameters[name]) is None]


def _parse(name: str, texts: Sequence[str]) -> Value | None:
    if not texts:
        return None
    texts = [_OLDER_NAMES.get(text, text) for text in texts]
    if name in _MULTIPLE_CHOICES:
        return None if {*texts} - {*_MULTIPLE_CHOICES[name], ""} else [text for text in texts if text]
    if name in _SINGLE_CHOICES:
        return texts[-1] if texts[-1] in _SINGLE_CHOICES[name] else None
    if isinstance(DEFAULTS[name], float):
        return float(texts[-1]) if _HUNDREDTHS.fullmatch(texts[-1]) else None
    return _BOOLEANS.get(texts[-1])


def _format(value: Value) -> str | list[str]:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.2f}"
    return value or [""]
