"""Format shares, durations and times of day for people, on the pages and in the terminal alike."""

from __future__ import annotations

import math
from datetime import datetime, tzinfo

THIN_SPACE = "\u202f"

MISSING = "–"
"""Stands for a value that has not been measured."""


def format_percent(share: float | None) -> str:
    """Return a share (0 to 1) in percent: `97.48 %`."""
    return MISSING if share is None else f"{100 * share:.2f} %"


def format_count(number: float | None) -> str:
    """Return a number rounded to a whole one, with thin spaces between groups of digits: 5 512."""
    return MISSING if number is None else f"{round(number):,}".replace(",", THIN_SPACE)


def within_sentence(text: str) -> str:
    """Return a text that begins with a capital for the middle of a sentence; a name keeps its: `L2 penalty`."""
    is_name = text[1:2].isupper() or text[1:2].isdigit()
    return text if is_name else text[:1].lower() + text[1:]


def format_bytes(size: int) -> str:
    """Return a size in megabytes (10^6 bytes), with one decimal: `20.6 MB`."""
    return f"{size / 1e6:.1f} MB"


def format_loss(value: float | None) -> str:
    """Return four significant digits, trailing zeros kept (0.07670); scientific below 0.0001 and from 10 000."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0.000"
    return f"{value:.3e}" if not 1e-4 <= abs(value) < 1e4 else f"{value:#.4g}".removesuffix(".")


def format_metric(value: float | None, unit: str) -> str:
    """Return the value of a metric with this unit as pages show it; `METRICS` lists the units."""
    if value is None:
        return MISSING
    formats = {"share": format_percent, "nats": format_loss, "images/s": format_count, "seconds": format_duration}
    return formats[unit](value).replace(" ", THIN_SPACE)


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
