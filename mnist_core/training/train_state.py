"""The state of a run between two events: weights, optimizer and position."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from mnist_core.config import TrainConfig
from mnist_core.network_names import OwnNetwork
from mnist_core.records import Adjustment
from mnist_core.training import optimizers
from mnist_core.training.devices import check_precision, choose_device, make_repeatable
from mnist_core.training.networks import models
from mnist_core.training.optimizers import Optimizer


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

    def adjust(self, adjustment: Adjustment) -> None:
        """Apply an adjustment from the next batch on. An `lr` replaces the base learning rate of the schedule.

        Raises `ConfigError`, and changes nothing, when a value is out of range.
        """
        for name, value in adjustment.settings().items():
            setattr(self, name, value)
        self.evaluation_asked |= adjustment.evaluate

    def start_next_epoch(self) -> None:
        self.epoch, self.offset, self.validations, self.tested = self.epoch + 1, 0, 0, False
