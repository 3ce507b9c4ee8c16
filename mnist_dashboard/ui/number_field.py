"""Fields in which a person types a number.

They are text fields: a browser's own number field refuses a decimal comma or drops it, and silently rejects what is not
a number. Here Python reads the text and says what is wrong with it.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import streamlit as st

from mnist_core.errors import ConfigError
from mnist_core.setting import Setting
from mnist_dashboard.components.settings_form import BrowserField, settings_form

MAX_CHARACTERS = 16

_NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)(e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)
_FIELDS_KEY = "number_fields"


def parse_number(setting: Setting, text: str) -> Any:
    """Return the number that a person typed, with a decimal point or comma; the text itself if it is not a number."""
    compact = re.sub(r"\s", "", text)
    if not _NUMBER.fullmatch(compact):
        return text
    number = float(compact.replace(",", "."))
    return int(number) if setting.kind is int and number.is_integer() else number


def format_number(value: Any, decimals: int = 0) -> str:
    """Return a number without exponent, with all its digits and at least this many decimals; a text as it is."""
    if not isinstance(value, float):
        return str(value)
    whole, _, digits = f"{Decimal(repr(value)):f}".partition(".")
    digits = digits.rstrip("0").ljust(decimals, "0")
    return f"{whole}.{digits}" if digits else whole


def range_problem(setting: Setting, value: object) -> str:
    """Return a sentence that says why a setting refuses a value, or an empty string if it accepts the value."""
    try:
        setting.validate(value)
    except ConfigError as error:
        return str(error)
    return ""


def number_field(
    setting: Setting,
    value: Any,
    *,
    key: str,
    step: float,
    decimals: int = 0,
    problem: str | None = None,
    is_next_to_slider: bool = False,
    which: str = "exact value",
    **options: Any,
) -> Any:
    """Draw a field for a setting and return what was typed: a number, or the text if it is none.

    A `problem` marks the field; None stands for that of the range. `options` are those of `st.text_input`. Next to a
    slider, the field has neither label nor help of its own; screen readers then say `which` value it has.
    """
    text = st.text_input(
        f"{setting.label}, {which}" if is_next_to_slider else setting.label,
        format_number(value, decimals),
        key=key,
        help=None if is_next_to_slider else setting.help or None,
        label_visibility="collapsed" if is_next_to_slider else "visible",
        max_chars=MAX_CHARACTERS,
        autocomplete="off",
        **options,
    )
    typed = parse_number(setting, text or "")
    if problem is None:
        problem = range_problem(setting, typed)
    fields: dict[str, BrowserField] = st.session_state.setdefault(_FIELDS_KEY, {})
    fields[key] = BrowserField(step=step, low=setting.low, high=setting.high, decimals=decimals, invalid=bool(problem))
    return typed


def render() -> None:
    """Tell the browser which fields are number fields. Call it once per page, after everything else."""
    settings_form(st.session_state.pop(_FIELDS_KEY, {}))
