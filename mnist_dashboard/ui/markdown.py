"""What people write, made safe to show as Markdown: names stay as they were typed, notes keep their Markdown."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([!-/:-@\[-`{-~])")
_TURNED = re.compile(r"(?<=:)(?=streamlit:|material_)|(?<=-)(?=[->])|(?<=<)(?=[-=])|(?<=[>~])(?==)")
"""Where Streamlit makes arrows, dashes, signs and icons of characters even if they are escaped."""

_JOINER = "\u2060"
"""Seen by nobody, it keeps such characters from standing side by side."""


def escape(text: str) -> str:
    """A name or tag that shows exactly as it was typed, whatever it contains."""
    return _SPECIAL.sub(r"\\\1", _TURNED.sub(_JOINER, text))


def sanitize_notes(text: str) -> str:
    """Notes as Markdown. Streamlit shows HTML as text; images are links, for they would be fetched from elsewhere."""
    return text.replace("![", "[")
