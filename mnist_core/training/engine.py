"""`train()`, a generator that yields what each batch showed, and `evaluate()`. No I/O, no callbacks, no flags.

The generator protocol is the remote control: not asking for the next event pauses, `close()` stops, and
`events.send(Adjustment(lr=0.05))` changes a setting from the next batch on and returns the next event. Without
steering, a plain `for event in train(config, data)` is enough.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset, Split, split_validation
from mnist_core.records import Adjustment, Confusion, EvalMetrics, Event, StepMetrics
from mnist_core.training import models, optimizers, schedules
from mnist_core.training.devices import autocast, check_precision, choose_device, widest_float
from mnist_core.training.optimizers import Optimizer

EVALUATIONS_PER_EPOCH = 2
"""Validation is measured this often, so that even one epoch shows a trend; test only once, at the end."""

PIXEL_MEAN, PIXEL_STD = 0.1307, 0.3081
"""Of the 60,000 MNIST training images scaled to 0–1; the constants of the classic PyTorch script."""

CACHED_IMAGES = 200
"""Most images a CPU evaluates at once: the activations of more no longer fit its cache, which costs a fifth."""


@dataclass(frozen=True)
class Images:
    """A split on the training device: pixels uint8 (N, 28, 28), labels int64 (N,).

    Pixels stay bytes and are normalised a batch at a time: that takes 30 microseconds of a step, while 188 MB of
    normalised MNIST take up to 0.3 s to write before the first step.
    """

    pixels: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, batch: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Pixels (B, 1, 28, 28), normalised, of the default dtype, and labels (B,) of a batch."""
        pixels = self.pixels[batch].to(torch.get_default_dtype()).div_(255)
        return pixels.sub_(PIXEL_MEAN).div_(PIXEL_STD).unsqueeze(1), self.labels[batch]

    @classmethod
    def on_device(cls, split: Split, device: torch.device) -> Images:
        """Keep a whole split on `device`."""
        return cls(torch.as_tensor(split.images, device=device), torch.as_tensor(split.labels, device=device).long())


@dataclass
class TrainState:
    """Where a run stands. The caller owns it; saved after any yielded event, training resumes from it bit for bit."""

    model: nn.Module
    optimizer: Optimizer
    dropout: torch.Generator
    """Seeded anew for each step, from (seed, step): a position says which masks come next."""
    lr: float
    """What the schedule scales; the constant schedule leaves it as it is."""
    momentum: float
    batch_size: int
    step: int = 0
    epoch: int = 1
    offset: int = 0
    """Images of the current epoch already trained on."""
    validations: int = 0
    """Evaluations on validation already due and done in the current epoch."""
    tested: bool = False
    """Whether test has been evaluated in the current epoch."""
    evaluation_asked: bool = False
    """Whether somebody wants an evaluation before the next batch."""
    elapsed_seconds: float = 0.0

    @classmethod
    def initial(cls, config: TrainConfig) -> TrainState:
        """First weights from the seed alone; the caller's random numbers are left undisturbed.

        Raises `ConfigError` when this machine lacks the device or the precision.
        """
        device = choose_device(config.device)
        check_precision(config.precision, device)
        dropout = torch.Generator(device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            model = models.build_model(config.model, dropout).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = optimizers.build_optimizer(config.optimizer, model.parameters(), config.weight_decay)
        return cls(model, optimizer, dropout, config.lr, config.momentum, config.batch_size)

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    def adjust(self, adjustment: Adjustment) -> None:
        """Apply a change from the next batch on, or none of it: raises `ConfigError` when a value is out of range.

        A learning rate is the base value of the schedule, as in the config: the rest of the schedule scales with it.
        """
        for name, value in adjustment.settings().items():
            setattr(self, name, value)
        self.evaluation_asked |= adjustment.evaluate

    def start_next_epoch(self) -> None:
        self.epoch, self.offset, self.validations, self.tested = self.epoch + 1, 0, 0, False


def sample_order(seed: int, epoch: int, images: int) -> Tensor:
    """The order in which an epoch visits the images, int64 (images,): a function of (seed, epoch) alone."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + epoch)
    return torch.randperm(images, generator=generator)


def _dropout_seed(seed: int, step: int) -> int:
    return seed * 1_000_003 + step


def train(
    config: TrainConfig, data: Dataset, *, state: TrainState | None = None
) -> Generator[Event, Adjustment | None, None]:
    """Train the network, yielding one `StepMetrics` per batch and one `EvalMetrics` per evaluation.

    Validation is evaluated `EVALUATIONS_PER_EPOCH` times per epoch and test at the end; with
    `validation_fraction=0` test is evaluated after every epoch, as the classic script does. One that is asked for
    (`Adjustment(evaluate=True)`) is the next event, on validation if there is one, and changes nothing else.

    Raises `ConfigError` if the batch is larger than the training set or this machine lacks device or precision.
    """
    fit, held_out = split_validation(data.train, config.validation_fraction)
    config.check_fits(len(fit))
    state = state or TrainState.initial(config)
    model, optimizer = state.model, state.optimizer
    precision = autocast(config.precision, state.device)
    training, validation, test = (Images.on_device(split, state.device) for split in (fit, held_out, data.test))
    order = sample_order(config.seed, state.epoch, len(training)).to(state.device)

    while state.epoch <= config.epochs:
        began = time.perf_counter()
        event: Event
        if split := _evaluation_due(state, config, len(training), len(validation)):
            images = validation if split == "validation" else test
            loss, confusion, predictions = evaluate(model, images, config.test_batch_size, config.precision)
            _mark_evaluated(state, split, len(training))
            state.elapsed_seconds += time.perf_counter() - began
            event = EvalMetrics(
                step=state.step,
                epoch=state.epoch,
                split=split,
                loss=loss,
                accuracy=_accuracy(confusion),
                confusion=confusion,
                predictions=predictions,
                elapsed_seconds=state.elapsed_seconds,
            )
        elif state.offset < len(training):
            lr = state.lr * _schedule_factor(config, state, len(training))
            state.dropout.manual_seed(_dropout_seed(config.seed, state.step))
            if not model.training:
                model.train()
            # ------------------------------------------------------------ one training step
            batch = order[state.offset : state.offset + state.batch_size]
            pixels, labels = training[batch]
            optimizer.zero_grad()
            with precision:
                log_probabilities = model(pixels)
            batch_loss = F.nll_loss(log_probabilities, labels)
            batch_loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step(lr, state.momentum)
            loss, confusion = _loss_and_confusion(batch_loss.detach(), labels, log_probabilities.detach().argmax(1))
            state.step += 1
            state.offset += len(labels)
            # ------------------------------------------------------------
            seconds = time.perf_counter() - began
            state.elapsed_seconds += seconds
            event = StepMetrics(
                step=state.step,
                epoch=state.epoch,
                loss=loss,
                accuracy=_accuracy(confusion),
                lr=lr,
                momentum=state.momentum,
                examples_per_second=len(labels) / seconds,
                elapsed_seconds=state.elapsed_seconds,
                confusion=confusion,
            )
        else:
            state.start_next_epoch()
            order = sample_order(config.seed, state.epoch, len(training)).to(state.device)
            continue

        adjustment = yield event
        if adjustment is not None:
            state.adjust(adjustment)


@torch.inference_mode()
def evaluate(
    model: nn.Module, images: Images, batch_size: int = 1000, precision: str = "fp32"
) -> tuple[float, Confusion, np.ndarray]:
    """Mean negative log-likelihood (nats), confusion counts and predicted labels (uint8, (N,)) over a split."""
    was_training = model.training
    model.eval()
    device = images.labels.device
    if device.type == "cpu":
        batch_size = min(batch_size, CACHED_IMAGES)
    summed_loss = torch.zeros((), dtype=widest_float(device), device=device)
    predictions = torch.empty_like(images.labels)
    with autocast(precision, device):
        for start in range(0, len(images), batch_size):
            batch = slice(start, start + batch_size)
            pixels, labels = images[batch]
            log_probabilities = model(pixels)
            summed_loss += F.nll_loss(log_probabilities, labels, reduction="sum")
            predictions[batch] = log_probabilities.argmax(1)
    model.train(was_training)
    loss, confusion = _loss_and_confusion(summed_loss / len(images), images.labels, predictions)
    return loss, confusion, predictions.to("cpu", torch.uint8).numpy()


def _schedule_factor(config: TrainConfig, state: TrainState, images: int) -> float:
    epochs_done = state.epoch - 1 + state.offset / images
    return schedules.lr_factor(config.schedule, epochs_done, config.epochs, config.gamma)


def _evaluation_due(state: TrainState, config: TrainConfig, training: int, validation: int) -> str | None:
    """Which split to evaluate now; decided from the position alone, so that a resumed run decides alike."""
    if state.evaluation_asked:
        return "validation" if validation else "test"
    if validation and _validations_by_now(state, training) > state.validations:
        return "validation"
    at_epoch_end = state.offset >= training
    if at_epoch_end and not state.tested and (not validation or state.epoch == config.epochs):
        return "test"
    return None


def _mark_evaluated(state: TrainState, split: str, training: int) -> None:
    if state.evaluation_asked:
        state.evaluation_asked = False
    elif split == "validation":
        state.validations = _validations_by_now(state, training)
    else:
        state.tested = True


def _validations_by_now(state: TrainState, training: int) -> int:
    return state.offset * EVALUATIONS_PER_EPOCH // training


def _loss_and_confusion(loss: Tensor, labels: Tensor, predictions: Tensor) -> tuple[float, Confusion]:
    """The loss and the counts of (true label, prediction), in one host synchronisation.

    A float holds any pair exactly.
    """
    pairs_seen = (labels * 10 + predictions).to(widest_float(loss.device))
    loss_value, *pairs = torch.cat([loss.to(pairs_seen.dtype).reshape(1), pairs_seen]).tolist()
    counts = [0] * 100
    for pair in pairs:
        counts[int(pair)] += 1
    return loss_value, tuple(tuple(counts[row : row + 10]) for row in range(0, 100, 10))


def _accuracy(confusion: Confusion) -> float:
    return sum(confusion[digit][digit] for digit in range(10)) / sum(map(sum, confusion))
