"""Numbers as `components/lib/format.js` writes them, for what Python puts on a page."""

from __future__ import annotations

import math
from datetime import datetime

THIN = "\u202f"
MISSING = "–"


def format_percent(share: float | None) -> str:
    """A share (0 to 1) in percent: 97.48 %."""
    return MISSING if share is None else f"{100 * share:.2f}{THIN}%"


def format_count(number: float | None) -> str:
    """A whole number with its thousands grouped: 5 512."""
    return MISSING if number is None else f"{round(number):,}".replace(",", THIN)


def format_loss(value: float | None) -> str:
    """Four significant digits, zeros kept (0.07670), scientific below 0.0001 and from 10 000."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0.000"
    return f"{value:.3e}" if not 1e-4 <= abs(value) < 1e4 else f"{value:#.4g}"


def format_duration(seconds: float) -> str:
    """m:ss, from one hour h:mm:ss."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def format_time(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC") if time else MISSING


def format_metric(value: float | None, unit: str) -> str:
    """A value of a metric, by the unit in `METRICS`."""
    if value is None:
        return MISSING
    formats = {"share": format_percent, "nats": format_loss, "images/s": format_count, "seconds": format_duration}
    return formats[unit](value)
