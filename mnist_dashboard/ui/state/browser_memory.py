"""Small values that a browser keeps from one visit to the next, such as the settings of the next run.

Each value is a cookie of its own: it comes with the request that opens a page's session, so the first drawing knows it
already. A tab keeps the values it began with; of two tabs, the one that changed a value last decides what the next page
finds. Cookies may be forged, so `recall` returns any JSON value: the caller checks it.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

import streamlit as st
from streamlit import config as server_config

from mnist_core.records import encode_json, json_value
from mnist_dashboard import access
from mnist_dashboard.components.browser_memory import browser_memory
from mnist_dashboard.server.hosts import base_path

MAX_COOKIE_LENGTH = 2_000
"""Maximum length of one value as written. Browsers keep about 4,000; all cookies together travel with each request."""

MAX_DEPTH = 4
"""Maximum nesting of a value."""

_KNOWN_KEY, _CHANGED_KEY = "browser_memory_known", "browser_memory_changed"


def recall(name: str) -> Any:
    """Return what this browser last remembered under `name`, as JSON has it; None if there is nothing readable."""
    cookie = _cookie_name(name)
    # A page that reconnects sends newer cookies: what another tab has written since is not this tab's.
    return _decode(_known().setdefault(cookie, access.request().cookies.get(cookie, "")))


def remember(name: str, value: Any) -> None:
    """Keep a JSON value in this browser under `name`, letters and underscores. One that is too large is not kept.

    The cookie is written when the page is next drawn: call this in a callback, which runs before.
    """
    text = encode(value)
    if len(text) <= MAX_COOKIE_LENGTH and value != recall(name):
        cookie = _cookie_name(name)
        _known()[cookie] = text
        st.session_state.setdefault(_CHANGED_KEY, {})[cookie] = text


def render() -> None:
    """Write what has been remembered in this session into cookies. Call it once per drawing."""
    browser_memory(st.session_state.get(_CHANGED_KEY, {}), base_path() or "/")


def encode(value: Any) -> str:
    """Return a JSON value as the text of a cookie."""
    return base64.urlsafe_b64encode(encode_json(json_value(value), compact=True).encode()).decode().rstrip("=")


def _cookie_name(name: str) -> str:
    """Return a name with the port in it, because all ports of a host share cookies."""
    return f"mnist_{name}_{server_config.get_option('server.port')}"


def _known() -> dict[str, str]:
    """Return the session's dictionary of texts by cookie, not a copy."""
    texts: dict[str, str] = st.session_state.setdefault(_KNOWN_KEY, {})
    return texts


def _decode(text: str) -> Any:
    if len(text) > MAX_COOKIE_LENGTH:
        return None
    try:
        value = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):  # empty, cut, or written by somebody else
        return None
    return json_value(value) if _is_shallow(value, MAX_DEPTH) else None


def _is_shallow(value: Any, depth: int) -> bool:
    match value:
        case dict() | list():
            items = value.values() if isinstance(value, dict) else value
            return depth > 0 and all(_is_shallow(item, depth - 1) for item in items)
    return True
