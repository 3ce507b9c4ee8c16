"""Make text that people write safe in Markdown: names show as typed, notes keep their Markdown."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([!-/:-@\[-`{-~])")
_REPLACED = re.compile(r"(?<=:)(?=streamlit:|material_)|(?<=-)(?=[->])|(?<=<)(?=[-=])|(?<=[>~])(?==)")
"""Positions inside sequences that Streamlit replaces with arrows, dashes, signs or icons even if they are escaped."""

_IMAGE_START = re.compile(r"!+\[")
"""However many exclamation marks: without one of them, the next would begin an image."""

_JOINER = "\u2060"
"""An invisible character that splits such sequences."""


def escape(text: str) -> str:
    """Return Markdown that shows `text` exactly as it was typed."""
    return _SPECIAL.sub(r"\\\1", _REPLACED.sub(_JOINER, text))


def sanitize_notes(text: str) -> str:
    """Return Markdown with links in place of images, which the browser would fetch from other hosts.

    HTML may stay: Streamlit shows it as text.
    """
    return _IMAGE_START.sub("[", text)
