"""Format shares and durations for people, on the pages and in the terminal alike."""

from __future__ import annotations

MISSING = "–"
"""Stands for a value that has not been measured."""


def format_percent(share: float | None) -> str:
    """Return a share (0 to 1) in percent: `97.48 %`."""
    return MISSING if share is None else f"{100 * share:.2f} %"


def format_duration(seconds: float) -> str:
    """Return `m:ss`, from one hour on `h:mm:ss`."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
