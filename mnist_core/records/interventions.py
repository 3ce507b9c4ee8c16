"""What people do to a run in progress: the commands they send, and the changes of settings that result."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from mnist_core.config import SETTINGS
from mnist_core.errors import ConfigError
from mnist_core.records.json_values import json_value

ADJUSTABLE = ("lr", "momentum", "batch_size")
"""Settings that can change while a run is in progress."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change sent into `train()`; it applies from the next batch. None leaves a setting unchanged."""

    lr: float | None = None
    momentum: float | None = None
    batch_size: int | None = None
    evaluate: bool = False
    """Evaluate before the next batch."""

    def settings(self) -> dict[str, Any]:
        """Return the changed settings and their values. Raises `ConfigError` if one is out of range."""
        values = {name: getattr(self, name) for name in ADJUSTABLE}
        return {name: SETTINGS[name].validate(value) for name, value in values.items() if value is not None}


class Command(StrEnum):
    """Commands that people send to a run in progress. Stopping is separate: it changes the status."""

    PAUSE = "pause"
    """Pause after the current batch."""
    RESUME = "resume"
    """Continue training."""
    STEP = "step"
    """Train one batch, then pause; also pauses a running run."""
    EVALUATE = "evaluate"
    """Evaluate before the next batch, even while paused."""
    ADJUST = "adjust"
    """Change settings from the next batch on."""


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A command that a run's trainer has not carried out yet."""

    id: int
    command: Command
    by: str
    """Name of the person who sent it."""
    adjustment: Adjustment = Adjustment()
    """The changes to make, for `ADJUST`."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """A change of one setting while a run was in progress."""

    step: int
    """Updates completed before the change; it applies from the next one."""
    field: str
    """One of `ADJUSTABLE`."""
    old: float
    new: float
    at: datetime
    by: str

    def __post_init__(self) -> None:
        """Raises `ConfigError` for a change that no form would accept: it would lead to endless epochs, for example."""
        if self.field not in ADJUSTABLE:
            raise ConfigError("field", f"A change is of {', '.join(ADJUSTABLE)}, got {str(self.field)[:50]!r}.")
        if type(self.step) is not int or self.step < 0:
            raise ConfigError("step", f"A change is made after 0 or more steps, got {str(self.step)[:50]}.")
        for value in (self.old, self.new):
            SETTINGS[self.field].validate(value)

    def to_json(self) -> dict[str, Any]:
        """Return its fields; the time in seconds since 1970."""
        values: dict[str, Any] = json_value(self)
        return values

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """Read what `to_json` returned. Raises `ConfigError` as the constructor does."""
        return cls(**{**values, "at": datetime.fromtimestamp(values["at"], UTC)})
