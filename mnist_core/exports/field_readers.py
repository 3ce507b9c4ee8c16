"""Reads records from JSON that is not trusted, checking the kind, range and length of every field.

The records list the fields. The check of a field depends on its type, and for some fields on its name. Functions raise
`ValueError`, `TypeError`, `OverflowError` or `ConfigError` for a value that is not acceptable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import fields
from datetime import UTC, datetime
from types import UnionType
from typing import Any, TypeVar, get_args, get_type_hints

import numpy as np

from mnist_core.annotations import (
    MAX_NAME_LENGTH,
    MAX_NOTES_LENGTH,
    MAX_TAGS,
    validate_name,
    validate_notes,
    validate_tags,
)
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.records import (
    ADJUSTABLE,
    CURVE_POINTS,
    METRICS,
    Confusion,
    EvalMetrics,
    Intervention,
    LayerNorms,
    Progress,
    Provenance,
    Run,
    RunStatus,
)

MAX_TEXT = 2000
"""Maximum number of characters in a text without a limit of its own."""
MAX_COUNT = 10**9
MAX_IMAGES = 1_000_000
"""Maximum number of images in a split."""
MAX_INTERVENTIONS = 2_000
MAX_PACKAGES = 100
LATEST_TIME = 7_258_118_400.0
"""The year 2200, in seconds since 1970."""
IMAGE_COUNTS = ("train_images", "validation_images", "test_images")
SPLITS = ("validation", "test")
INFINITY = "Infinity"
"""Stands for infinity, which JSON has no number for; with a minus sign for negative infinity."""

MAX_LAYERS = 200
Record = TypeVar("Record", Run, Progress, Provenance, Intervention, EvalMetrics, LayerNorms)


_RECORDS = (Run, Progress, Provenance, Intervention, EvalMetrics, LayerNorms)
_FIELD_TYPES = {record: get_type_hints(record) for record in _RECORDS}


def read_record(record: type[Record], values: object, *, skipped: Collection[str] = (), **known: Any) -> Record:
    """Read a record from a JSON object. Fields in `skipped` are not read; `known` are values of such fields."""
    if not isinstance(values, dict):
        raise TypeError(f"{record.__name__} is no object")
    hints = _FIELD_TYPES[record]
    for field in fields(record):
        if field.name in skipped:
            continue
        if field.name not in values:
            raise ValueError(f"{record.__name__} lacks {field.name}")
        known[field.name] = _read_field(field.name, hints[field.name], values[field.name])
    return record(**known)


def _read_field(name: str, hint: Any, value: object) -> Any:
    is_optional = isinstance(hint, UnionType)
    if value is None and is_optional:
        return None
    read = _READERS_BY_NAME.get(name) or _READERS_BY_TYPE[get_args(hint)[0] if is_optional else hint]
    try:
        return read(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name}: {error}") from error


def _read_text(value: object, max_length: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or len(value) > max_length:
        raise TypeError(f"{str(value)[:50]!r} is no text, or longer than {max_length} characters")
    return validate_notes(value)


def _read_number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:50]} is no number")
    return float(value)


def read_loss(value: object) -> float:
    """Read a number that may be NaN (None) or infinite (see `INFINITY`)."""
    if value is None:
        return math.nan
    return float(value) if value in (INFINITY, f"-{INFINITY}") and isinstance(value, str) else _read_number(value)


def _read_share(value: object) -> float:
    share = _read_number(value)
    if not 0 <= share <= 1:
        raise ValueError(f"{share} is not between 0 and 1")
    return share


def read_count(value: object, maximum: int = MAX_COUNT) -> int:
    """Read a whole number from 0 to `maximum`."""
    if type(value) is not int or not 0 <= value <= maximum:
        raise ValueError(f"{str(value)[:50]} is no whole number from 0 to {maximum}")
    return value


def read_flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise TypeError(f"{str(value)[:50]} is neither true nor false")
    return value


def _read_time(value: object) -> datetime:
    seconds = _read_number(value)
    if not 0 <= seconds <= LATEST_TIME:
        raise ValueError(f"{seconds:g} is no time between 1970 and 2200")
    return datetime.fromtimestamp(seconds, UTC)


def _read_name(value: object) -> str:
    name = validate_name(_read_text(value))
    if not name:
        raise ValueError("it is empty")
    return name


def _read_author(value: object) -> str:
    return validate_name(_read_text(value, MAX_NAME_LENGTH))


def read_list(value: object, max_length: int) -> list[object]:
    """Read a list of at most `max_length` values, which are not checked."""
    if not isinstance(value, list) or len(value) > max_length:
        raise TypeError(f"no list, or longer than {max_length}")
    return value


def _read_choice(value: object, choices: Collection[str]) -> str:
    if value not in choices:
        raise ValueError(f"{str(value)[:50]!r} is none of {', '.join(choices)}")
    return str(value)


def _read_config(value: object) -> TrainConfig:
    if not isinstance(value, dict) or not value.keys() <= SETTINGS.keys():
        raise ValueError("settings that this program does not know")
    return TrainConfig(**value)


def _read_confusion(value: object) -> Confusion:
    counts = np.array(value)
    if counts.shape != (10, 10) or counts.dtype.kind != "i" or counts.min() < 0 or counts.max() > MAX_COUNT:
        raise ValueError("a confusion matrix is not 10 rows of 10 counts")
    return tuple(map(tuple, counts.tolist()))


def _read_packages(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > MAX_PACKAGES:
        raise TypeError(f"no object, or more than {MAX_PACKAGES} entries")
    return {_read_text(name): _read_text(version) for name, version in value.items()}


_READERS_BY_TYPE: dict[Any, Callable[[object], Any]] = {
    str: _read_text,
    int: read_count,
    float: _read_number,
    bool: read_flag,
    datetime: _read_time,
    RunStatus: lambda value: RunStatus(_read_text(value)),
    TrainConfig: _read_config,
    Progress: lambda value: read_record(Progress, value),
    Provenance: lambda value: read_record(Provenance, value),
    Confusion: _read_confusion,
    dict[str, str]: _read_packages,
    tuple[str, ...]: lambda value: tuple(_read_text(item) for item in read_list(value, MAX_TAGS)),
    tuple[float, ...]: lambda value: tuple(read_loss(item) for item in read_list(value, CURVE_POINTS)),
    tuple[Intervention, ...]: lambda value: tuple(
        read_record(Intervention, item) for item in read_list(value, MAX_INTERVENTIONS)
    ),
}

_READERS_BY_NAME: dict[str, Callable[[object], Any]] = {
    **{name: _read_share for name, metric in METRICS.items() if metric.unit == "share"},
    **{name: lambda value: read_count(value, MAX_IMAGES) for name in IMAGE_COUNTS},
    "name": _read_name,
    "by": _read_author,
    "loss": read_loss,
    "notes": lambda value: _read_text(value, MAX_NOTES_LENGTH),
    "tags": lambda value: validate_tags(_read_text(item) for item in read_list(value, MAX_TAGS)),
    "seed": lambda value: read_count(value, int(SETTINGS["seed"].high)),
    "split": lambda value: _read_choice(value, SPLITS),
    "layers": lambda value: tuple(_read_text(item) for item in read_list(value, MAX_LAYERS)),
    "weights": lambda value: tuple(read_loss(item) for item in read_list(value, MAX_LAYERS)),
    "gradients": lambda value: tuple(read_loss(item) for item in read_list(value, MAX_LAYERS)),
    "field": lambda value: _read_choice(value, ADJUSTABLE),
}
