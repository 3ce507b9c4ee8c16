"""The training loop: the generator `train()`, and `evaluate()`. No I/O, no callbacks.

The generator protocol controls training. To pause, do not ask for the next event. To stop, call `close()`.
`events.send(Adjustment(lr=0.05))` changes a setting from the next batch on and returns the next event. A caller
that only reads events can use a plain `for event in train(config, data)`.
"""

from __future__ import annotations

import time
from collections.abc import Generator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import split_training
from mnist_core.records import Adjustment, Confusion, EvalMetrics, Event, StepMetrics
from mnist_core.training import schedules
from mnist_core.training.batches import Images, sample_order
from mnist_core.training.devices import autocast, widest_float
from mnist_core.training.epoch_ends import EVALUATIONS_PER_EPOCH
from mnist_core.training.metrics import accuracy, pack_metrics, probability_levels, unpack_metrics
from mnist_core.training.train_state import TrainState
from mnist_core.training.train_step import TrainStep

CACHED_IMAGES = 200
"""Maximum number of images a CPU evaluates at once. With more, activations overflow its cache: a fifth slower."""


def train(
    config: TrainConfig, data: Dataset, *, state: TrainState | None = None
) -> Generator[Event, Adjustment | None, None]:
    """Train the network, yielding one `StepMetrics` per batch and one `EvalMetrics` per evaluation.

    Validation is evaluated `EVALUATIONS_PER_EPOCH` times per epoch, and test once at the end, unless `skip_test`. With
    `validation_fraction=0` test is evaluated after every epoch, as in the classic script. After
    `Adjustment(evaluate=True)` the next event is an evaluation, on validation if there is a validation split.

    Raises `ConfigError` if the batch is larger than the training split or this machine lacks the device or the
    precision.
    """
    training_indices, validation_indices = map(
        torch.as_tensor, split_training(data.train.labels, config.validation_fraction, config.train_fraction)
    )
    training_images = len(training_indices)
    config.check_fits(training_images)
    state = state or TrainState.initial(config)
    images, test = (Images.on_device(split, state.device) for split in (data.train, data.test))
    validation = images.select(validation_indices.to(state.device))

    def epoch_order() -> Tensor:
        return training_indices[sample_order(config.seed, state.epoch, training_images)].to(state.device)

    order = epoch_order()
    step = TrainStep(config, state, images)

    while state.epoch <= config.epochs:
        event: Event
        if split := _split_to_evaluate(config, state, training_images, len(validation)):
            evaluated = validation if split == "validation" else test
            event = _evaluate_split(config, state, split, evaluated, training_images)
        elif size := config.next_batch_size(training_images - state.offset, state.batch_size):
            batch = order[state.offset : state.offset + size]
            event = _train_on_batch(config, state, step, batch, training_images)
        else:
            state.start_next_epoch()
            order = epoch_order()
            continue

        adjustment = yield event
        if adjustment is not None:
            state.adjust(adjustment)


def _train_on_batch(
    config: TrainConfig, state: TrainState, step: TrainStep, batch: Tensor, training_images: int
) -> StepMetrics:
    """Do one training step and return its metrics. `batch` (B,) indexes the images of the training data."""
    started_at = time.perf_counter()
    lr = state.lr * _schedule_factor(config, state, training_images)
    loss, confusion = step(batch, lr)
    state.step += 1
    state.offset += len(batch)
    seconds = time.perf_counter() - started_at
    state.elapsed_seconds += seconds
    return StepMetrics(
        step=state.step,
        epoch=state.epoch,
        loss=loss,
        accuracy=accuracy(confusion),
        lr=lr,
        momentum=state.momentum,
        examples_per_second=len(batch) / seconds,
        elapsed_seconds=state.elapsed_seconds,
        confusion=confusion,
    )


def _evaluate_split(
    config: TrainConfig, state: TrainState, split: str, images: Images, training_images: int
) -> EvalMetrics:
    """Evaluate a split, mark it as evaluated in `state`, and return the metrics."""
    started_at = time.perf_counter()
    loss, confusion, predictions, levels = evaluate(state.model, images, config.test_batch_size, config.precision)
    _mark_evaluated(config, state, split, training_images)
    state.elapsed_seconds += time.perf_counter() - started_at
    return EvalMetrics(
        step=state.step,
        epoch=state.epoch,
        split=split,
        loss=loss,
        accuracy=accuracy(confusion),
        confusion=confusion,
        predictions=predictions,
        elapsed_seconds=state.elapsed_seconds,
        probabilities=levels,
    )


@torch.inference_mode()
def evaluate(
    model: nn.Module, images: Images, batch_size: int = 1000, precision: str = "fp32"
) -> tuple[float, Confusion, np.ndarray, np.ndarray]:
    """Evaluate a split of N images.

    Returns mean negative log-likelihood (nats), confusion counts, predicted labels, uint8 (N,), and the levels of the
    probabilities (see `records.probabilities`), uint8 (N, 10).
    """
    was_training = model.training
    model.eval()
    device = images.labels.device
    if device.type == "cpu":
        batch_size = min(batch_size, CACHED_IMAGES)
    summed_loss = torch.zeros((), dtype=widest_float(device), device=device)
    predictions = torch.empty_like(images.labels)
    levels = torch.empty((len(images), 10), dtype=torch.uint8, device=device)
    with autocast(precision, device):
        for start in range(0, len(images), batch_size):
            batch = slice(start, start + batch_size)
            pixels, labels = images[batch]
            log_probabilities = model(pixels)
            summed_loss += F.nll_loss(log_probabilities, labels, reduction="sum")
            predictions[batch] = log_probabilities.argmax(1)
            levels[batch] = probability_levels(log_probabilities)
    model.train(was_training)
    loss, confusion = unpack_metrics(pack_metrics(summed_loss / len(images), images.labels, predictions))
    return loss, confusion, predictions.to("cpu", torch.uint8).numpy(), levels.cpu().numpy()


def _schedule_factor(config: TrainConfig, state: TrainState, training_images: int) -> float:
    steps_per_epoch = config.steps_left(training_images, state.batch_size)
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
    if validation_images and _scheduled_validations(config, state, training_images) > state.validations:
        return "validation"
    if config.skip_test:
        return None
    is_epoch_end = _is_epoch_end(config, state, training_images)
    if is_epoch_end and not state.tested and (not validation_images or state.epoch == config.epochs):
        return "test"
    return None


def _mark_evaluated(config: TrainConfig, state: TrainState, split: str, training_images: int) -> None:
    if state.evaluation_asked:
        state.evaluation_asked = False
    elif split == "validation":
        state.validations = _scheduled_validations(config, state, training_images)
    else:
        state.tested = True


def _scheduled_validations(config: TrainConfig, state: TrainState, training_images: int) -> int:
    """Number of evaluations on validation that are due by now in this epoch."""
    if _is_epoch_end(config, state, training_images):  # the images that are dropped do not count
        return EVALUATIONS_PER_EPOCH
    return state.offset * EVALUATIONS_PER_EPOCH // training_images


def _is_epoch_end(config: TrainConfig, state: TrainState, training_images: int) -> bool:
    return not config.next_batch_size(training_images - state.offset, state.batch_size)
