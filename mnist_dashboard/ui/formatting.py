"""Format numbers and times for a page, as `components/lib/format.js` does in the browser."""

from __future__ import annotations

import math
from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st

from mnist_core import formatting
from mnist_core.formatting import MISSING, format_duration

THIN_SPACE = "\u202f"


def format_percent(share: float | None) -> str:
    """Return a share (0 to 1) in percent, with a thin space: 97.48 %."""
    return formatting.format_percent(share).replace(" ", THIN_SPACE)


def format_count(number: float | None) -> str:
    """Return a number rounded to a whole one, with thin spaces between groups of digits: 5 512."""
    return MISSING if number is None else f"{round(number):,}".replace(",", THIN_SPACE)


def format_loss(value: float | None) -> str:
    """Return four significant digits, trailing zeros kept (0.07670); scientific below 0.0001 and from 10 000."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0.000"
    return f"{value:.3e}" if not 1e-4 <= abs(value) < 1e4 else f"{value:#.4g}".removesuffix(".")


def format_time(time: datetime | None) -> str:
    """Return a time in the zone of the reader's browser, with its name: 2026-11-27 15:41:03 CET."""
    return formatting.format_time(time, reader_zone())


def reader_zone() -> tzinfo | None:
    """Return the time zone of the browser; None, which stands for this machine's, where it is unknown."""
    name = st.context.timezone
    try:
        return ZoneInfo(name) if name else None
    except (KeyError, ValueError, OSError):  # the browser reports what it likes, and this machine may lack the zone
        return None


def format_metric(value: float | None, unit: str) -> str:
    """Return the value of a metric with this unit; `METRICS` lists the units."""
    if value is None:
        return MISSING
    formats = {"share": format_percent, "nats": format_loss, "images/s": format_count, "seconds": format_duration}
    return formats[unit](value)
