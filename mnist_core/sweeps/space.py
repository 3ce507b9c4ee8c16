"""What a sweep searches: ranges and lists of values of the settings, checked against the one table of settings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from mnist_core.config import NOT_TUNED, SETTINGS
from mnist_core.errors import ConfigError
from mnist_core.formatting import within_sentence
from mnist_core.setting import Setting

NOT_SEARCHED = frozenset(
    {*NOT_TUNED, "validation_fraction", "train_fraction", "skip_test", "patience", "monitor", "min_delta"}
)
"""Settings that cannot be searched: they choose data and machine, how many images a network sees, or by which of them
trials are judged and stopped."""

DIGITS = 4
"""Significant digits of the numbers that are tried, so that those on a page are those that were trained."""

MAX_VALUES = 100
"""Maximum number of values of one list, and of points of one range in a grid."""


@dataclass(frozen=True)
class Range:
    """A range of a numeric setting, both ends included. Raises `ConfigError` if it is empty or leaves the setting's."""

    name: str
    low: float
    high: float
    log: bool = False
    """Whether equal ratios are equally likely, rather than equal differences."""
    points: int = 0
    """Number of values of the range in a grid; 0 outside a grid."""

    def __post_init__(self) -> None:
        setting = _searchable(self.name)
        if setting.choices or setting.kind is bool:
            raise ConfigError(self.name, f"{setting.label} has no range: give the values to try, separated by commas.")
        for name in ("low", "high"):
            object.__setattr__(self, name, setting.validate(getattr(self, name)))
        if self.low >= self.high:
            raise ConfigError(
                self.name,
                f"The range of the {setting.sentence_label} must begin below its end, "
                f"got {self.low:g} to {self.high:g}.",
            )
        if self.log and self.low <= 0:
            raise ConfigError(
                self.name,
                f"A logarithmic range of the {setting.sentence_label} must begin above 0, got {self.low:g}. "
                "Begin it higher.",
            )
        if not isinstance(self.points, int) or (self.points and not 2 <= self.points <= MAX_VALUES):
            raise ConfigError(
                self.name,
                f"A range of the {setting.sentence_label} must have 2 to {MAX_VALUES} points in a grid, "
                f"got {self.points}.",
            )

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers."""
        return SETTINGS[self.name].kind is int

    @property
    def extremes(self) -> tuple[Any, ...]:
        return self.low, self.high

    def round(self, number: float) -> float:
        """Return a number of the range with `DIGITS` digits, or the end of the range that it would pass."""
        if self.is_whole:
            return round(number)
        return min(max(float(f"{number:.{DIGITS}g}"), self.low), self.high)

    def grid(self) -> tuple[Any, ...]:
        """Return its values in a grid: `points` evenly spaced ones, ends included. Raises `ConfigError` without any."""
        if not self.points:
            raise ConfigError(
                self.name,
                f"A grid needs to know how many values of the {SETTINGS[self.name].sentence_label} to try: "
                f"write {self.low:g}:{self.high:g}:5 for five, or list them.",
            )
        low, high = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        between = [low + (high - low) * index / (self.points - 1) for index in range(1, self.points - 1)]
        inner = [self.round(math.exp(number) if self.log else number) for number in between]
        values = [self.low, *inner, self.high]
        return tuple(dict.fromkeys(values))

    def to_json(self) -> dict[str, Any]:
        return {"low": self.low, "high": self.high, "log": self.log, "points": self.points}


@dataclass(frozen=True)
class Values:
    """A list of values of a setting. Raises `ConfigError` if there are fewer than two, or one is not acceptable."""

    name: str
    values: tuple[Any, ...]

    def __post_init__(self) -> None:
        setting = _searchable(self.name)
        if not isinstance(self.values, (tuple, list)):
            raise ConfigError(self.name, f"{setting.label} must have a list of values to search, got {self.values!r}.")
        values = tuple(dict.fromkeys(map(setting.validate, self.values)))
        if not 2 <= len(values) <= MAX_VALUES:
            raise ConfigError(
                self.name,
                f"{setting.label} must have 2 to {MAX_VALUES} different values to search, got {len(values)}.",
            )
        object.__setattr__(self, "values", values)

    @property
    def extremes(self) -> tuple[Any, ...]:
        return self.values

    def grid(self) -> tuple[Any, ...]:
        """Return its values in a grid: all of them."""
        return self.values

    def to_json(self) -> list[Any]:
        return [*self.values]


Parameter: TypeAlias = Range | Values
"""One setting that a sweep searches."""


def parse_parameter(name: str, text: str) -> Parameter | Any:
    """Parse what follows a setting's flag: a range, a list of values, or one value, which is not searched.

    `1e-3:1:log` is a range, `16:256:log:5` one with five values in a grid, `32,64,128` a list. Raises `ConfigError`.
    """
    setting = SETTINGS[name]
    if not setting.choices and setting.kind is not bool and ":" in text:
        return _parse_range(setting, text)
    values = [_parse_value(setting, part.strip()) for part in text.split(",")]
    return values[0] if len(values) == 1 else Values(name, tuple(values))


def parameter_from_json(name: str, value: Any) -> Parameter:
    """Return the parameter that `to_json` wrote. Raises `ConfigError`."""
    if isinstance(value, list):
        return Values(name, tuple(value))
    if not isinstance(value, Mapping) or not {"low", "high"} <= set(value) <= {"low", "high", "log", "points"}:
        raise ConfigError(name, f"{_searchable(name).label} must be a range or a list of values, got {value!r}.")
    low, high = value["low"], value["high"]
    log, points = value.get("log", False), value.get("points", 0)
    if not isinstance(log, bool) or type(points) is not int:
        raise ConfigError(name, f"{_searchable(name).label} must be a range or a list of values, got {value!r}.")
    return Range(name, low, high, log, points)


def check_extremes(parameters: Sequence[Parameter], configure: Callable[[Mapping[str, Any]], object]) -> None:
    """Check every pair of extreme values: two settings may each be acceptable, and not fit together.

    `configure` makes the settings of a trial from such values. What it refuses is raised as a `ConfigError` that names
    the values.
    """
    pairs = itertools.chain(((one,) for one in parameters), itertools.combinations(parameters, 2))
    for tried in pairs:
        for extremes in itertools.product(*(parameter.extremes for parameter in tried)):
            values = {parameter.name: value for parameter, value in zip(tried, extremes, strict=True)}
            try:
                configure(values)
            except ConfigError as error:
                searched = " and ".join(f"{SETTINGS[name].sentence_label} {value}" for name, value in values.items())
                reason = within_sentence(str(error)).rstrip(".")
                raise ConfigError(
                    error.field, f"The sweep would try {searched}, and there {reason}: change a range."
                ) from error


def _searchable(name: str) -> Setting:
    """Return the setting with this name. Raises `ConfigError` if there is none, or it cannot be searched."""
    if not isinstance(name, str) or name not in SETTINGS:
        raise ConfigError(name, f"There is no setting {name!r}. Choose one of {', '.join(SETTINGS)}.")
    if name in NOT_SEARCHED:
        raise ConfigError(
            name,
            f"{SETTINGS[name].label} cannot be searched: trials with different values of it could not be compared. "
            "Give it one value.",
        )
    return SETTINGS[name]


def _parse_range(setting: Setting, text: str) -> Range:
    low, high, *words = (part.strip() for part in text.split(":"))
    points = [int(word) for word in words if _is_count(word)]
    scales = [word for word in words if not _is_count(word)]
    if len(points) > 1 or 0 in points or scales not in ([], ["log"], ["linear"]):
        raise ConfigError(
            setting.name,
            f"A range of the {setting.sentence_label} must look like LOW:HIGH, LOW:HIGH:log or LOW:HIGH:log:5, "
            f"got {text[:60]!r}.",
        )
    return Range(setting.name, setting.parse(low), setting.parse(high), scales == ["log"], *points)


def _is_count(word: str) -> bool:
    return word.isdecimal() and len(word) < 10


def _parse_value(setting: Setting, text: str) -> Any:
    if setting.kind is bool and text in ("true", "false"):
        return text == "true"
    return setting.parse(text)
