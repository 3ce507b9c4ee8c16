"""Converts records to values that JSON can hold."""

from __future__ import annotations

import math
from dataclasses import fields
from datetime import datetime
from enum import Enum
from typing import Any


def json_value(value: Any) -> Any:
    """Convert a record, or the value of one of its fields, to what JSON can hold.

    Times become seconds since 1970, records become objects, and a number that is not finite becomes None.
    """
    match value:
        case Enum():
            return value.value
        case float() if not math.isfinite(value):
            return None
        case None | int() | float() | str() | dict():
            return value
        case datetime():
            return value.timestamp()
        case tuple():
            return [json_value(item) for item in value]
    return {field.name: json_value(getattr(value, field.name)) for field in fields(value)}
