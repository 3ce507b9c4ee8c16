"""Values of widgets that are set by the program, and told apart from what the browser sends back.

With every message the browser sends the values of all its widgets. One that was sent before it had heard of a value set
here brings the old value back, as if somebody had moved the widget: an echo, to be ignored.
"""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

ECHO_SECONDS = 2.0
"""How long after a value set here was sent to the browser that may still send the one before."""


def set_widget_value(key: str, value: Any) -> None:
    """Have a widget show a value; one that is not drawn yet will begin with what its setting is."""
    if key in st.session_state and st.session_state[key] != value:
        _superseded().setdefault(key, {})[st.session_state[key]] = None
        st.session_state[key] = value


def start_echo_window() -> None:
    """The widgets have been drawn: from here on the browser hears of the values set here."""
    now = time.monotonic()
    for since in _superseded().values():
        since.update({value: now for value, sent in since.items() if sent is None})


def is_echo(key: str) -> bool:
    """Whether the browser sends what this widget showed before a value was set here, of which it may not know yet.

    A run of the page that is broken off, or slow, has not told it however long ago the value was set.
    """
    superseded = _superseded().get(key, {})
    if st.session_state[key] not in superseded:
        return False
    sent = superseded[st.session_state[key]]
    return sent is None or time.monotonic() - sent < ECHO_SECONDS


def _superseded() -> dict[str, dict[Any, float | None]]:
    """By key, the values that widgets showed before others were set here, and when the others were sent, if so."""
    superseded: dict[str, dict[Any, float | None]] = st.session_state.setdefault("superseded", {})
    return superseded
