"""One setting of a run: its range, unit, label and help. `config` has the table of all settings."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from mnist_core.errors import ConfigError
from mnist_core.formatting import within_sentence


@dataclass(frozen=True)
class Setting:
    """Name, label, range and help of one setting."""

    name: str
    label: str
    help: str
    default: Any
    low: float = -math.inf
    high: float = math.inf
    unit: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Label of each allowed value; empty if every value in the range is allowed."""
    pattern: str = ""
    """Regular expression of further allowed values, which `choices` cannot list; empty if there are none."""
    pattern_words: str = ""
    """What such values look like, for messages."""
    short: str | None = None
    """Name where there is little room; empty if the value speaks for itself. None stands for the label."""

    @property
    def kind(self) -> type:
        """Type of the values."""
        return type(self.default)

    @property
    def flag(self) -> str:
        """Flag on the command line."""
        return "--" + self.name.replace("_", "-")

    @property
    def bounds(self) -> str:
        """Range for messages: `0.0001 and 1`."""
        return f"{_format_number(self.low)} and {_format_number(self.high)}"

    @property
    def short_label(self) -> str:
        return self.sentence_label if self.short is None else self.short

    def describe(self, value: object) -> str:
        """Setting and value where there is little room: `lr 0.02`, `adam`."""
        return f"{self.short_label} {self.format(value)}".lstrip()

    @property
    def sentence_label(self) -> str:
        """Label within a sentence: `learning rate`, `L2 penalty`."""
        return within_sentence(self.label)

    def format(self, value: object) -> str:
        """Value as text, a number without exponent."""
        return _format_number(value) if isinstance(value, float) else str(value)

    def validate(self, value: object) -> Any:
        """Convert `value` to this setting's type. Raises `ConfigError` with the label and the range."""
        if self.choices:
            if not isinstance(value, str) or (value not in self.choices and not self._matches_pattern(value)):
                words = [*self.choices, *([self.pattern_words] if self.pattern else [])]
                raise self._error(f"must be one of {', '.join(words)}, got {value!r}")
            return value
        if self.kind is bool:
            if not isinstance(value, bool):
                raise self._error(f"must be true or false, got {value!r}")
            return value
        number = self._number(value)
        if not self.low <= number <= self.high:
            raise self._error(f"must be between {self.bounds}, got {_format_number(number)}")
        return self.kind(number)

    def parse(self, text: str) -> Any:
        """Convert typed text to this setting's type. Raises `ConfigError`."""
        if self.choices:
            return self.validate(text)
        try:
            return self.validate(float(text) if self.kind is float or "." in text else int(text))
        except ValueError:
            return self.validate(text)

    def _matches_pattern(self, value: str) -> bool:
        return bool(self.pattern) and bool(re.fullmatch(self.pattern, value))

    def _number(self, value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self._not_a_number(value)
        if isinstance(value, float) and (not math.isfinite(value) or (self.kind is int and value != int(value))):
            raise self._not_a_number(value)
        return value

    def _not_a_number(self, value: object) -> ConfigError:
        return self._error(
            f"must be a {'whole ' if self.kind is int else ''}number between {self.bounds}, got {value!r}"
        )

    def _error(self, problem: str) -> ConfigError:
        return ConfigError(self.name, f"{self.label} {problem}.")


def _format_number(number: float) -> str:
    """Format without exponent and trailing zeros: `0.0001`, `1`, `1024`.

    The number is not rounded: a value just outside a range must not look as if it were inside.
    """
    if isinstance(number, int) or number.is_integer():
        return str(int(number))
    return f"{Decimal(repr(number)):f}"


def setting_field(default: Any, label: str, help: str, **extra: Any) -> Any:
    """Return a dataclass field whose metadata are the attributes of its `Setting`."""
    return field(default=default, metadata={"label": label, "help": help, **extra})
