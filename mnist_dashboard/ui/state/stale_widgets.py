"""Sets the values of widgets, and recognises stale values that the browser sends back.

The race: with every message the browser sends the values of all its widgets. A message that leaves the browser before
it has received a value set here still carries the widget's old value. Streamlit takes that for a change by the user and
calls the widget's callback, which must ignore it, or it would undo the new value.
"""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

STALE_SECONDS = 2.0
"""How long after a new value was sent to the browser it may still send the old one."""


def set_widget_value(key: str, value: Any) -> None:
    """Set the value of a widget that has been drawn; does nothing for other keys."""
    if key in st.session_state and st.session_state[key] != value:
        _replaced_values().setdefault(key, {})[_hashable(st.session_state[key])] = None
        st.session_state[key] = value


def mark_values_sent() -> None:
    """Start the clock for values set since the last call: the widgets have been drawn, so the browser receives them."""
    now = time.monotonic()
    for sent_at in _replaced_values().values():
        sent_at.update({value: now for value, sent in sent_at.items() if sent is None})


def is_stale(key: str) -> bool:
    """Return whether the browser has sent a value that was replaced here and that it may still hold.

    While the new value has not been sent, because a script run is slow or was interrupted, the browser holds the old
    one.
    """
    replaced = _replaced_values().get(key, {})
    value = _hashable(st.session_state[key])
    if value not in replaced:
        return False
    sent_at = replaced[value]
    return sent_at is None or time.monotonic() - sent_at < STALE_SECONDS


def renewable_key(name: str) -> str:
    """Return the key of a widget that `renew_widget` may replace."""
    return f"{name}_{st.session_state.get(f'{name}_renewals', 0)}"


def renew_widget(name: str, value: Any) -> None:
    """Replace a widget by a new one with this value; call it before it is drawn.

    Nothing that the browser still sends for the old one counts, and the reader can change the new one at once.
    """
    st.session_state[f"{name}_renewals"] = st.session_state.get(f"{name}_renewals", 0) + 1
    st.session_state[renewable_key(name)] = value


def show_in_widget(name: str, value: Any) -> str:
    """Return the key of a widget that shows `value`: a new one unless the present one does."""
    if st.session_state.get(renewable_key(name)) != value:
        renew_widget(name, value)
    return renewable_key(name)


def _hashable(value: Any) -> Any:
    """Return the value of a widget as a key: a multiselect has a list."""
    return tuple(value) if isinstance(value, list) else value


def _replaced_values() -> dict[str, dict[Any, float | None]]:
    """Return, by widget key, each replaced value and the time when its successor was sent, None if it was not."""
    values: dict[str, dict[Any, float | None]] = st.session_state.setdefault("replaced_values", {})
    return values
