"""The training loop: the generator `train()`, and `evaluate()`. No I/O, no callbacks.

The generator protocol controls training. To pause, do not ask for the next event. To stop, call `close()`.
`events.send(Adjustment(lr=0.05))` changes a setting from the next batch on and returns the next event. A caller
that only reads events can use a plain `for event in train(config, data)`.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset, split_validation
from mnist_core.records import Adjustment, Confusion, EvalMetrics, Event, StepMetrics
from mnist_core.training import models, optimizers, schedules
from mnist_core.training.batches import Images, sample_order, step_seed
from mnist_core.training.devices import autocast, check_precision, choose_device, make_repeatable, widest_float
from mnist_core.training.optimizers import Optimizer

EVALUATIONS_PER_EPOCH = 2
"""Evaluations on the validation split per epoch. Two show a trend even in a run of one epoch."""

CACHED_IMAGES = 200
"""Maximum number of images a CPU evaluates at once. With more, activations overflow its cache: a fifth slower."""


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
            model = models.build_model(config.model, generator).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = optimizers.build_optimizer(config.optimizer, model.parameters(), config.weight_decay)
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


def train(
    config: TrainConfig, data: Dataset, *, state: TrainState | None = None
) -> Generator[Event, Adjustment | None, None]:
    """Train the network, yielding one `StepMetrics` per batch and one `EvalMetrics` per evaluation.

    Validation is evaluated `EVALUATIONS_PER_EPOCH` times per epoch, and test once at the end. With
    `validation_fraction=0` test is evaluated after every epoch, as in the classic script. After
    `Adjustment(evaluate=True)` the next event is an evaluation, on validation if there is a validation split.

    Raises `ConfigError` if the batch is larger than the training split or this machine lacks the device or the
    precision.
    """
    training_indices, validation_indices = map(
        torch.as_tensor, split_validation(len(data.train), config.validation_fraction)
    )
    training_images = len(training_indices)
    config.check_fits(training_images)
    state = state or TrainState.initial(config)
    images, test = (Images.on_device(split, state.device) for split in (data.train, data.test))
    validation = images.select(validation_indices.to(state.device))

    def epoch_order() -> Tensor:
        return training_indices[sample_order(config.seed, state.epoch, training_images)].to(state.device)

    order = epoch_order()

    while state.epoch <= config.epochs:
        event: Event
        if split := _split_to_evaluate(config, state, training_images, len(validation)):
            evaluated = validation if split == "validation" else test
            event = _evaluate_split(config, state, split, evaluated, training_images)
        elif state.offset < training_images:
            batch = order[state.offset : state.offset + state.batch_size]
            event = _train_on_batch(config, state, images, batch, training_images)
        else:
            state.start_next_epoch()
            order = epoch_order()
            continue

        adjustment = yield event
        if adjustment is not None:
            state.adjust(adjustment)


def _train_on_batch(
    config: TrainConfig, state: TrainState, images: Images, batch: Tensor, training_images: int
) -> StepMetrics:
    """Do one training step and return its metrics. `batch` (B,) indexes `images`."""
    started_at = time.perf_counter()
    model, optimizer = state.model, state.optimizer
    lr = state.lr * _schedule_factor(config, state, training_images)
    state.generator.manual_seed(step_seed(config.seed, state.step))
    if not model.training:
        model.train()

    # ------------------------------------------------------------ one training step
    pixels, labels = images.shifted(batch, config.max_shift, state.generator) if config.max_shift else images[batch]
    optimizer.zero_grad()
    with autocast(config.precision, batch.device):
        log_probabilities = model(pixels)
    batch_loss = F.nll_loss(log_probabilities, labels)
    _smooth(batch_loss, log_probabilities, config.label_smoothing).backward()  # type: ignore[no-untyped-call]
    optimizer.step(lr, state.momentum)
    # ------------------------------------------------------------

    loss, confusion = _loss_and_confusion(batch_loss.detach(), labels, log_probabilities.detach().argmax(1))
    state.step += 1
    state.offset += len(labels)
    seconds = time.perf_counter() - started_at
    state.elapsed_seconds += seconds
    return StepMetrics(
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


def _smooth(loss: Tensor, log_probabilities: Tensor, share: float) -> Tensor:
    """Return the loss with label smoothing (Szegedy et al. 2016), which spreads a share of each label over all digits.

    It is only minimised. The recorded loss is that of the true labels, which compares with other runs and validation.
    """
    return torch.lerp(loss, -log_probabilities.mean(), share) if share else loss


def _evaluate_split(
    config: TrainConfig, state: TrainState, split: str, images: Images, training_images: int
) -> EvalMetrics:
    """Evaluate a split, mark it as evaluated in `state`, and return the metrics."""
    started_at = time.perf_counter()
    loss, confusion, predictions = evaluate(state.model, images, config.test_batch_size, config.precision)
    _mark_evaluated(state, split, training_images)
    state.elapsed_seconds += time.perf_counter() - started_at
    return EvalMetrics(
        step=state.step,
        epoch=state.epoch,
        split=split,
        loss=loss,
        accuracy=_accuracy(confusion),
        confusion=confusion,
        predictions=predictions,
        elapsed_seconds=state.elapsed_seconds,
    )


@torch.inference_mode()
def evaluate(
    model: nn.Module, images: Images, batch_size: int = 1000, precision: str = "fp32"
) -> tuple[float, Confusion, np.ndarray]:
    """Return mean negative log-likelihood (nats), confusion counts and predicted labels (uint8, (N,)) of a split."""
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


def _schedule_factor(config: TrainConfig, state: TrainState, training_images: int) -> float:
    steps_per_epoch = math.ceil(training_images / state.batch_size)
    step = (state.epoch - 1) * steps_per_epoch + state.offset / state.batch_size
    return schedules.lr_factor(
        config.schedule, step, steps_per_epoch=steps_per_epoch, epochs=config.epochs, gamma=config.gamma
    )


def _split_to_evaluate(
    config: TrainConfig, state: TrainState, training_images: int, validation_images: int
) -> str | None:
    """Return the split to evaluate now, or None. Depends on `state` alone, so a resumed run makes the same choice."""
    if state.evaluation_asked:
        return "validation" if validation_images else "test"
    if validation_images and _scheduled_validations(state, training_images) > state.validations:
        return "validation"
    is_epoch_end = state.offset >= training_images
    if is_epoch_end and not state.tested and (not validation_images or state.epoch == config.epochs):
        return "test"
    return None


def _mark_evaluated(state: TrainState, split: str, training_images: int) -> None:
    if state.evaluation_asked:
        state.evaluation_asked = False
    elif split == "validation":
        state.validations = _scheduled_validations(state, training_images)
    else:
        state.tested = True


def _scheduled_validations(state: TrainState, training_images: int) -> int:
    """Number of evaluations on validation that are due by now in this epoch."""
    return state.offset * EVALUATIONS_PER_EPOCH // training_images


def _loss_and_confusion(loss: Tensor, labels: Tensor, predictions: Tensor) -> tuple[float, Confusion]:
    """Return the loss and the counts of (true label, prediction).

    Both leave the device in one float tensor, and so in one synchronisation. Floats hold the pairs, 0 to 99, exactly.
    """
    pairs = (labels * 10 + predictions).to(widest_float(loss.device))
    loss_value, *pair_values = torch.cat([loss.to(pairs.dtype).reshape(1), pairs]).tolist()
    counts = [0] * 100
    for pair in pair_values:
        counts[int(pair)] += 1
    return loss_value, tuple(tuple(counts[row : row + 10]) for row in range(0, 100, 10))


def _accuracy(confusion: Confusion) -> float:
    return sum(confusion[digit][digit] for digit in range(10)) / sum(map(sum, confusion))
