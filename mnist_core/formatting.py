"""Format shares, durations and times of day for people, on the pages and in the terminal alike."""

from __future__ import annotations

from datetime import datetime, tzinfo

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


def format_time(time: datetime | None, zone: tzinfo | None = None) -> str:
    """Return a time with its zone, which is this machine's unless another is given: `2026-11-27 15:41:03 CET`."""
    if time is None:
        return MISSING
    local = time.astimezone(zone)
    name = local.tzname() or ""
    return f"{local:%Y-%m-%d %H:%M:%S} {name if name[:1].isalpha() else f'UTC{name}'}"


def format_count(number: float) -> str:
    """Return a number rounded to a whole one, with thin spaces between groups of digits: 5 512."""
    return f"{round(number):,}".replace(",", "\u202f")
