"""Values of widgets that are set by the program, and told apart from what the browser sends back.

With every message the browser sends the values of all its widgets. One that was sent before it had heard of a value set
here brings the old value back, as if somebody had moved the widget: an echo, to be ignored.
"""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

ECHO_SECONDS = 2.0
"""How long after a value was set here the browser may still send the one before."""


def show(key: str, value: Any) -> None:
    """Have a widget show a value; one that is not drawn yet will begin with what its setting is."""
    if key in st.session_state and st.session_state[key] != value:
        _superseded().setdefault(key, {})[st.session_state[key]] = time.monotonic()
        st.session_state[key] = value


def is_echo(key: str) -> bool:
    """Whether the browser sends what this widget showed before a value was set here a moment ago."""
    since = _superseded().get(key, {}).get(st.session_state[key])
    return since is not None and time.monotonic() - since < ECHO_SECONDS


def _superseded() -> dict[str, dict[Any, float]]:
    """By key, the values that widgets showed before others were set here, and when that was."""
    superseded: dict[str, dict[Any, float]] = st.session_state.setdefault("superseded", {})
    return superseded
