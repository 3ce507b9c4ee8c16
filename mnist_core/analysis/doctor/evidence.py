"""What the doctor knows about a run: its row, its curves, its evaluations and its checkpoints.

Every figure here costs the same for a run of 3 million steps as for one of 3,000: curves are read in at most `BLOCKS`
blocks, so that the live feed can ask while a run trains.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.formatting import format_percent
from mnist_core.records import Confusion, EvalMetrics, Run, RunStatus
from mnist_core.training.epoch_ends import epoch_ends

CHANCE_LOSS = math.log(10)
"""Loss of a network that gives all ten digits the same probability, in nats."""

BLOCKS = 64
"""Maximum number of blocks in which a curve is read."""

BLOCK_IMAGES = 1280
"""Images that a block averages, 20 batches of 64: its accuracy has a standard error of at most 1.4 points."""

FEWEST_STEPS = 8
"""Minimum number of steps in a block, however large its batches are."""

LARGEST_LOSS = 1e6
"""Stands for losses that are not finite."""


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation without its predictions."""

    step: int
    epoch: int
    split: str
    loss: float
    accuracy: float
    confusion: Confusion = ()

    @classmethod
    def from_metrics(cls, metrics: EvalMetrics) -> Evaluated:
        return cls(metrics.step, metrics.epoch, metrics.split, metrics.loss, metrics.accuracy, metrics.confusion)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier run on the same images, which a run in progress is compared with."""

    name: str
    evaluations: tuple[Evaluated, ...]


def _no_steps() -> np.ndarray:
    return np.empty(0)


@dataclass(frozen=True)
class Evidence:
    """The facts about one run. Arrays have one value for each step, from step 1 on."""

    run: Run
    losses: np.ndarray = field(default_factory=_no_steps)
    accuracies: np.ndarray = field(default_factory=_no_steps)
    rates: np.ndarray = field(default_factory=_no_steps)
    """Learning rates, schedule included."""
    evaluations: tuple[Evaluated, ...] = ()
    checkpoints: tuple[int, ...] = ()
    """Steps of the checkpoints from which the run can be continued."""
    earlier: Earlier | None = None

    @property
    def steps(self) -> int:
        return len(self.losses)

    @property
    def is_training(self) -> bool:
        """Whether its settings can still be changed."""
        return self.run.status in (RunStatus.RUNNING, RunStatus.PAUSED)

    @property
    def has_ended(self) -> bool:
        return self.run.status.is_finished

    @cached_property
    def settings(self) -> TrainConfig:
        """The settings now, changes during the run included."""
        changes = {change.field: SETTINGS[change.field].kind(change.new) for change in self.run.interventions}
        try:
            return replace(self.run.config, **changes)
        except (
            ConfigError
        ):  # changed one by one, settings may no longer fit together, such as Nesterov without momentum
            return self.run.config

    @cached_property
    def steady_steps(self) -> int:
        """Steps since the last change of a setting, which the curve needs time to answer."""
        last_change = max((change.step for change in self.run.interventions), default=0)
        return max(self.steps - last_change, 0)

    @cached_property
    def block_size(self) -> int:
        """Steps of a block."""
        return max(BLOCK_IMAGES // self.settings.batch_size, FEWEST_STEPS)

    @cached_property
    def block_ends(self) -> np.ndarray:
        """Last step of each block, int64. The blocks of a long run have gaps between them."""
        count = min(self.steps // self.block_size, BLOCKS)
        return np.linspace(self.block_size, self.steps, count).astype(np.int64) if count else np.empty(0, np.int64)

    @cached_property
    def block_losses(self) -> np.ndarray:
        """Mean training loss of each block."""
        return self._means(self.losses, self.block_ends)

    @cached_property
    def block_accuracies(self) -> np.ndarray:
        """Training accuracy of each block."""
        return self._means(self.accuracies, self.block_ends)

    @cached_property
    def latest_losses(self) -> np.ndarray:
        """Mean losses of the latest blocks without gaps, at most 10, all since the last change of a setting."""
        count = min(self.steady_steps // self.block_size, 10)
        return self._means(self.losses, self.steps - self.block_size * np.arange(count - 1, -1, -1))

    @cached_property
    def chance_spread(self) -> float:
        """Standard error of the means in `latest_losses`, from the spread of the batches within each block."""
        count = len(self.latest_losses)
        losses = _finite(self.losses[self.steps - count * self.block_size :]).reshape(count, self.block_size)
        return float(losses.std(1).mean() / math.sqrt(self.block_size))

    def recent(self, values: np.ndarray, blocks: int = 1) -> float:
        """Return the mean of the latest steps, as many as `blocks` blocks hold."""
        tail = values[max(self.steps - blocks * self.block_size, 0) :]
        return float(_finite(tail).mean()) if len(tail) else math.nan

    def mean_loss(self, after: int, until: int) -> float:
        """Return the mean loss of the steps `after` + 1 to `until`; 0 if there are none."""
        losses = _finite(self.losses[max(after, 0) : until])
        return float(losses.mean()) if len(losses) else 0.0

    def _means(self, values: np.ndarray, ends: np.ndarray) -> np.ndarray:
        if not len(ends):
            return np.empty(0)
        indices = ends[:, None] - np.arange(self.block_size, 0, -1)
        means: np.ndarray = _finite(values[indices]).mean(1)
        return means

    @cached_property
    def best_loss(self) -> float:
        """Lowest mean loss of a block; that of guessing before the first block."""
        return float(min(CHANCE_LOSS, self.block_losses.min(initial=CHANCE_LOSS)))

    @cached_property
    def epoch_ends(self) -> list[int]:
        """Last step of each epoch; empty until the dataset is known."""
        run = self.run
        return epoch_ends(run.config, run.train_images, run.interventions) if run.train_images else []

    @cached_property
    def steps_per_epoch(self) -> int:
        return self.settings.steps_left(self.run.train_images, self.settings.batch_size) or 1

    def of_split(self, split: str) -> list[Evaluated]:
        return [evaluated for evaluated in self.evaluations if evaluated.split == split]

    @cached_property
    def validations(self) -> list[Evaluated]:
        return self.of_split("validation")

    @cached_property
    def test(self) -> Evaluated | None:
        """The latest test."""
        return next(iter(reversed(self.of_split("test"))), None)


def percent(share: float) -> str:
    """Format a share as on the pages: `97.48 %`, with a thin space."""
    return format_percent(share).replace(" ", "\u202f")


def points(difference: float) -> str:
    """Format a difference of shares: `2.1 points`."""
    return f"{100 * abs(difference):.1f} points"


def _finite(values: np.ndarray) -> np.ndarray:
    return np.nan_to_num(values.astype(np.float64), nan=LARGEST_LOSS, posinf=LARGEST_LOSS)


def evaluated(metrics: Iterable[EvalMetrics]) -> tuple[Evaluated, ...]:
    """Return evaluations without their predictions."""
    return tuple(map(Evaluated.from_metrics, metrics))
