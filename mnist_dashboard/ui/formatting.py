"""Format numbers and times for a page, as `components/lib/format.js` does in the browser."""

from __future__ import annotations

from datetime import datetime, tzinfo
from zoneinfo import ZoneInfo

import streamlit as st

from mnist_core import formatting
from mnist_core.formatting import (
    MISSING,
    THIN_SPACE,
    format_count,
    format_duration,
    format_loss,
    format_metric,
)

__all__ = [
    "MISSING",
    "THIN_SPACE",
    "format_count",
    "format_duration",
    "format_loss",
    "format_metric",
    "format_percent",
    "format_time",
    "reader_zone",
]


def format_percent(share: float | None) -> str:
    """Return a share (0 to 1) in percent, with a thin space: 97.48 %."""
    return formatting.format_percent(share).replace(" ", THIN_SPACE)


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
