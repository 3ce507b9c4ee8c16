"""The state of a run between two events: weights, optimizer and position."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor, nn

from mnist_core.config import TrainConfig
from mnist_core.network_names import OwnNetwork
from mnist_core.records import Adjustment
from mnist_core.training import optimizers
from mnist_core.training.devices import check_precision, choose_device, make_repeatable
from mnist_core.training.networks import models
from mnist_core.training.optimizers import Optimizer


@dataclass(frozen=True, eq=False)
class Best:
    """The state of a run at its best evaluation on validation, kept for early stopping."""

    score: float
    """What `TrainConfig.monitor` watches: loss in nats, or accuracy from 0 to 1."""
    position: Mapping[str, Any]
    """`TrainState.position` then."""
    tensors: Mapping[str, Tensor]
    """Copies of `TrainState.tensors` then."""

    @property
    def step(self) -> int:
        """The number of updates of these weights."""
        step: int = self.position["step"]
        return step


@dataclass
class TrainState:
    """Model, optimizer and position of a run. The caller owns it.

    It can be saved after any yielded event, and training then resumes from it bit for bit, if the machine and torch's
    number of threads stay the same. Checkpoints store its fields by name.
    """

    model: nn.Module
    optimizer: Optimizer
    generator: torch.Generator
    """For shifts and dropout masks. Seeded before each step from (seed, step), so they depend on the position alone."""
    lr: float
    """Base learning rate, which the schedule multiplies."""
    momentum: float
    batch_size: int
    step: int = 0
    epoch: int = 1
    offset: int = 0
    """Images of the current epoch trained on so far."""
    validations: int = 0
    """Scheduled evaluations on validation done in the current epoch."""
    tested: bool = False
    """Whether test has been evaluated in the current epoch."""
    evaluation_asked: bool = False
    """Whether an `Adjustment` has requested an evaluation before the next batch."""
    elapsed_seconds: float = 0.0
    waited: int = 0
    """Scheduled evaluations on validation since the best one; counted with `patience` only."""
    best: Best | None = None
    """The best evaluation so far; None without `patience`, and before the first evaluation."""
    ending: str = ""
    """How early stopping ended the run, in one or two sentences; empty if the run has the weights of its last step."""
    lost_patience: bool = False
    """Whether the patience of the run had run out when it ended."""

    @classmethod
    def initial(cls, config: TrainConfig) -> TrainState:
        """Return the state at step 0, with weights that depend on the seed alone.

        Leaves torch's global random state unchanged. Raises `ConfigError` when this machine lacks the device or the
        precision.
        """
        device = choose_device(config.device)
        check_precision(config.precision, device)
        make_repeatable(device)
        generator = torch.Generator(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            model = models.build_model(config.model, generator).to(device)
            if not OwnNetwork.parse(config.model):  # which may use `view`, for which this format has no order
                model = model.to(memory_format=torch.channels_last)
        trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
        optimizer = optimizers.build_optimizer(config.optimizer, trained, config.weight_decay)
        return cls(model, optimizer, generator, config.lr, config.momentum, config.batch_size)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def position(self) -> dict[str, Any]:
        """All numbers of the state, by name."""
        return {name: getattr(self, name) for name in POSITION_FIELDS}

    def tensors(self) -> dict[str, Tensor]:
        """Return weights and optimizer state, not copies, by name: `model.conv1.weight`, `optimizer.0`."""
        optimizer = {f"optimizer.{number}": tensor for number, tensor in enumerate(self.optimizer.state())}
        return named_weights(self.model) | optimizer

    def keep_best(self, score: float) -> None:
        """Keep a copy of this state as the best so far."""
        self.waited = 0
        self.best = Best(score, self.position, _copies(self.tensors()))

    @contextmanager
    def best_weights(self) -> Iterator[None]:
        """Have the network hold its best weights within a `with` block."""
        if self.best is None or self.best.step == self.step:
            yield
            return
        latest = _copies(self.tensors())
        _overwrite(self.tensors(), self.best.tensors)
        try:
            yield
        finally:
            _overwrite(self.tensors(), latest)

    def return_to_best(self) -> None:
        """Go back to the best state, if one was kept: weights, optimizer and position."""
        if self.best:
            _overwrite(self.tensors(), self.best.tensors)
            for name, value in self.best.position.items():
                setattr(self, name, value)

    def begin_as_new_run(self) -> None:
        """Begin the patience anew in a run that continues another; that of the other counted other settings."""
        if self.best and self.best.step != self.step:
            self.best, self.waited = None, 0

    def adjust(self, adjustment: Adjustment) -> None:
        """Apply an adjustment from the next batch on. An `lr` replaces the base learning rate of the schedule.

        Raises `ConfigError`, and changes nothing, when a value is out of range.
        """
        for name, value in adjustment.settings().items():
            setattr(self, name, value)
        self.evaluation_asked |= adjustment.evaluate

    def start_next_epoch(self) -> None:
        self.epoch, self.offset, self.validations, self.tested = self.epoch + 1, 0, 0, False


POSITION_FIELDS = tuple(
    field.name
    for field in fields(TrainState)
    if field.name not in ("model", "optimizer", "generator", "best", "ending", "lost_patience")
)
"""The numbers of a state."""


def named_weights(model: nn.Module) -> dict[str, Tensor]:
    """Return the weights of a network, not copies, by name: `model.conv1.weight`."""
    return {f"model.{name}": tensor for name, tensor in model.state_dict().items()}


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}


@torch.no_grad()
def _overwrite(targets: Mapping[str, Tensor], sources: Mapping[str, Tensor]) -> None:
    for name, tensor in targets.items():
        tensor.copy_(sources[name])
