"""Adds what Streamlit's widgets lack for a form of settings: arrow keys and marks in number fields. Draws nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict

from mnist_dashboard.components.registry import register

_render = register("settings_form")


class BrowserField(TypedDict):
    """What the browser needs to know about a number field."""

    step: float
    low: float
    high: float
    decimals: int
    """Minimum number of decimals that the field shows."""
    invalid: bool


def settings_form(fields: Mapping[str, BrowserField], *, key: str = "settings_form") -> None:
    """Treat the text fields with these widget keys as number fields, and close the drawer when Start is pressed."""
    _render(key=key, data={"fields": fields})
