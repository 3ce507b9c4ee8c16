"""JSON of everything that leaves the program: converts values to what JSON can hold, and encodes them.

JSON has no NaN and no infinity, and no browser reads them: they become null. All JSON is encoded here.
"""

from __future__ import annotations

import json
import math
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any


def encode_json(value: Any, *, compact: bool = False, **options: Any) -> str:
    """Return `value` as JSON. `options` are those of `json.dumps`; `compact` leaves out spaces.

    Raises `ValueError` for a number that is not finite: convert values that may hold one with `json_value` first.
    """
    separators = (",", ":") if compact else None
    return json.dumps(value, allow_nan=False, separators=separators, **options)


def json_value(value: Any) -> Any:
    """Convert a record, or the value of one of its fields, to what JSON can hold.

    Times become seconds since 1970, records become objects, and a number that is not finite becomes None, however
    deep inside the value it is.
    """
    match value:
        case Enum():
            return value.value
        case None | int() | float() | str():
            return None if isinstance(value, float) and not math.isfinite(value) else value
        case datetime():
            return value.timestamp()
        case dict():
            return {name: json_value(item) for name, item in value.items()}
        case tuple() | list():
            return [json_value(item) for item in value]
    return {field.name: json_value(getattr(value, field.name)) for field in fields(value)}


def round_number(value: float, digits: int = 6) -> float | None:
    """Return a number with this many significant digits; None if it is not finite."""
    rounded = float(f"{value:.{digits}g}")
    return rounded if math.isfinite(rounded) else None
