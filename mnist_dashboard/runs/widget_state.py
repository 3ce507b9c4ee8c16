"""What a reader chooses on the Runs page beside its table, kept in the session and named by the page's address.

The widgets are not bound to the address by Streamlit: two would write it then. What the page writes there of the table,
in answer to what the browser sent a moment before, would take away what was chosen since.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import get_args

import streamlit as st

from mnist_dashboard.components.live_chart import Axis, Field
from mnist_dashboard.server.shared_constants import DEFAULT_SMOOTHING

VIEWS = ("Curves", "Verdict", "Hyperparameters", "Details")
FIELDS: dict[str, Field] = {
    "Loss": "loss",
    "Accuracy": "accuracy",
    "Learning rate": "lr",
    "Throughput": "examples_per_second",
}
AXES: dict[str, Axis] = {"Step": "step", "Epoch": "epoch", "Images": "images", "Time": "time"}

assert set(FIELDS.values()) == set(get_args(Field))
assert set(AXES.values()) == set(get_args(Axis))

_SWITCH = {"true": True, "false": False}
_HUNDREDTHS = re.compile(r"0(\.\d{1,2})?", re.ASCII)
_ONE_OF: dict[str, Sequence[str]] = {"show": VIEWS, "over": tuple(AXES)}
_SOME_OF: dict[str, Sequence[str]] = {"curves": tuple(FIELDS)}
_KEPT_KEY = "runs_choices"

Chosen = str | list[str] | bool | float
DEFAULTS: dict[str, Chosen] = {
    "show": "Curves",
    "curves": ["Loss", "Accuracy"],
    "over": "Step",
    "logx": False,
    "logy": True,
    "difference": False,
    "bands": False,
    "small": False,
    "smoothed": DEFAULT_SMOOTHING,
}
"""By the key of a widget, which is also the parameter's name."""


def restore(parameters: Mapping[str, Sequence[str]]) -> None:
    """Have the widgets, whether drawn or not, begin with what was chosen before, else with what the address says."""
    kept: dict[str, Chosen] = st.session_state.setdefault(_KEPT_KEY, {})
    for name, default in DEFAULTS.items():
        if name in st.session_state:
            kept[name] = st.session_state[name]
            continue  # to set it again would undo what is clicked meanwhile
        if name not in kept:
            said = _read(name, parameters.get(name, []))
            kept[name] = default if said is None else said
        st.session_state[name] = kept[name]


def to_address() -> dict[str, str | list[str]]:
    """The parameters that say what is chosen; what is as usual is left out."""
    return {
        name: _to_text(st.session_state[name])
        for name, default in DEFAULTS.items()
        if st.session_state[name] != default
    }


def unreadable_parameters(parameters: Mapping[str, Sequence[str]]) -> list[str]:
    """Which parameters of an address say something that there is not to choose."""
    return [name for name in DEFAULTS if parameters.get(name) and _read(name, parameters[name]) is None]


def _read(name: str, texts: Sequence[str]) -> Chosen | None:
    if not texts:
        return None
    if name in _SOME_OF:
        return None if {*texts} - {*_SOME_OF[name], ""} else [text for text in texts if text]
    if name in _ONE_OF:
        return texts[-1] if texts[-1] in _ONE_OF[name] else None
    if isinstance(DEFAULTS[name], float):
        return float(texts[-1]) if _HUNDREDTHS.fullmatch(texts[-1]) else None
    return _SWITCH.get(texts[-1])


def _to_text(chosen: Chosen) -> str | list[str]:
    if isinstance(chosen, bool):
        return str(chosen).lower()
    if isinstance(chosen, float):
        return f"{chosen:.2f}"
    return chosen or [""]
