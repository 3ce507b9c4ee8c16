"""Which fields of a form hold text that a person has typed and not saved. Draws nothing.

Streamlit sends the fields of a form only when the form is submitted, and overwrites a field whose value Python sets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import streamlit as st

from mnist_dashboard.components.registry import ignore_value, register

_render = register("typed_fields")


def typed_fields(key: str) -> Collection[str]:
    """Return the widget keys of the fields whose text in the browser differs from what `watch_fields` was given."""
    sent = st.session_state.get(key) or {}
    return [str(field) for field in sent.get("typed") or ()]


def watch_fields(texts: Mapping[str, str], *, key: str) -> None:
    """Watch fields from now on. `texts` maps their widget keys to the texts that Python has given them."""
    _render(key=key, data={"texts": dict(texts)}, on_typed_change=ignore_value)
