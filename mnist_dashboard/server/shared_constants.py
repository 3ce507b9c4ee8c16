"""Facts that Python and the browser's modules share. Each is typed once, in Python.

`constants_module` writes them as a JavaScript module, which `assets` serves as `components/lib/constants.js`. Their
types for the type checker are in `components/lib/constants.d.ts`.
"""

from __future__ import annotations

from typing import Any

import scipy

from mnist_core import labels
from mnist_core.analysis.seed_groups import CONFIDENCE, NAMED_CHANGES, ROUNDING_VARIANCE, t_quantile
from mnist_core.analysis.smoothing import DEFAULT_SMOOTHING
from mnist_core.annotations import MAX_NAME_LENGTH
from mnist_core.config import SETTINGS
from mnist_core.data.pictures import MAX_PICTURE_BYTES
from mnist_core.records import METRICS, REMOVED_FROM_QUEUE, RunStatus, encode_json
from mnist_core.setting import Setting
from mnist_dashboard.server.roles.access_policy import OWNER_NAME

CURVES = ("loss", "accuracy", "examples_per_second")
"""Quantities that jump from batch to batch: charts smooth them, and each bucket keeps its extremes."""

LEVELS = ("lr", "elapsed_seconds")
"""Quantities that move steadily: each bucket keeps its last value."""

MAX_BUCKETS = 2000
"""More points than a chart has pixels; a longer run is reduced to at most this many."""

RECENT_BATCHES = 20
"""Number of batches over which the status strip averages: about as many as `DEFAULT_SMOOTHING` gives most weight."""

RECENT_SHARE = 0.04
"""Largest share of the steps so far that the strip averages over: their mean age is then 2 % of the run."""

CLASSES = 10
"""Number of digits: guessing gets one in so many right."""

RUN_COLORS = 7
"""Number of colours that can be told apart; further runs repeat them with another kind of line."""

MAX_OVERLAID = 2 * RUN_COLORS
"""Maximum number of runs in one chart: two kinds of line in each colour."""

MAX_PINNED = 5
"""Maximum number of runs that stay at the top of the table."""

MAX_SEARCH_LENGTH = 200
MAX_CONDITION_LENGTH = 80
"""Maximum number of characters in the table's search field, and in the field below a column's title."""

CURVE_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
"""Heights in a packed sparkline, from its smallest value to its largest: one is 20 pixels high."""

PING_SECONDS = 2.0
"""Time between two pings of the live feed, by which a browser tells a quiet feed from a broken one."""

MAX_DEGREES_OF_FREEDOM = 200
"""Length of the table of t quantiles; the last one is within 0.6 % of the quantile for any larger group of seeds."""


def constants_module() -> str:
    """Text of the JavaScript module. The t quantiles take 0.14 s, which scipy needs to load its special functions."""
    quantiles = [round(t_quantile(degrees), 6) for degrees in range(1, MAX_DEGREES_OF_FREEDOM + 1)]
    constants = {**_constants(), "T_QUANTILES": quantiles}
    return "".join(f"export const {name} = {_json(value)};\n" for name, value in constants.items())


def fingerprint() -> str:
    """Changes whenever `constants_module` does, and costs nothing to compute."""
    return _json([_constants(), MAX_DEGREES_OF_FREEDOM, scipy.__version__])


def _constants() -> dict[str, Any]:
    return {
        "LABELS": {name: label for name, label in vars(labels).items() if name.isupper()},
        "SETTINGS": {name: _setting(setting) for name, setting in SETTINGS.items()},
        "METRICS": {
            name: {
                "label": metric.label,
                "title": metric.title,
                "unit": metric.unit,
                "best": metric.best,
                "images": metric.images,
            }
            for name, metric in METRICS.items()
        },
        "RUN_STATUSES": {
            status.value: {"label": status.label, "is_finished": status.is_finished} for status in RunStatus
        },
        "REMOVED_FROM_QUEUE": REMOVED_FROM_QUEUE,
        "CURVES": CURVES,
        "LEVELS": LEVELS,
        "MAX_BUCKETS": MAX_BUCKETS,
        "DEFAULT_SMOOTHING": DEFAULT_SMOOTHING,
        "RECENT_BATCHES": RECENT_BATCHES,
        "RECENT_SHARE": RECENT_SHARE,
        "CLASSES": CLASSES,
        "RUN_COLORS": RUN_COLORS,
        "MAX_OVERLAID": MAX_OVERLAID,
        "MAX_PINNED": MAX_PINNED,
        "MAX_NAME_LENGTH": MAX_NAME_LENGTH,
        "MAX_SEARCH_LENGTH": MAX_SEARCH_LENGTH,
        "MAX_CONDITION_LENGTH": MAX_CONDITION_LENGTH,
        "MAX_PICTURE_BYTES": MAX_PICTURE_BYTES,
        "CURVE_DIGITS": CURVE_DIGITS,
        "PING_SECONDS": PING_SECONDS,
        "CONFIDENCE": CONFIDENCE,
        "ROUNDING_VARIANCE": ROUNDING_VARIANCE,
        "NAMED_CHANGES": NAMED_CHANGES,
        "OWNER": OWNER_NAME,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    kind = "choice" if setting.choices else "switch" if setting.kind is bool else "number"
    return {
        "label": setting.label,
        "short_label": setting.short_label,
        "kind": kind,
        "default": setting.default,
        "choices": dict(setting.choices),
    }


def _json(value: object) -> str:
    return encode_json(value, compact=True, ensure_ascii=False)
