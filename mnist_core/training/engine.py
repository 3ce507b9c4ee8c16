"""The training loop: the generator `train()`, and `evaluate()`. No I/O, no callbacks.

The generator protocol controls training. To pause, do not ask for the next event. To stop, call `close()`.
`events.send(Adjustment(lr=0.05))` changes a setting from the next batch on and returns the next event. A caller
that only reads events can use a plain `for event in train(config, data)`.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import split_training
from mnist_core.formatting import format_count
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

    With `patience`, training ends early once that many scheduled evaluations on validation bring no improvement. The
    test is then that of the best weights, and so has the step of their evaluation; after it `state` is what it was at
    that step, and `state.ending` says so. Evaluations that were asked for count for nothing: looking changes no run.

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

    while state.epoch <= config.epochs and not _has_lost_patience(config, state):
        event: Event
        if split := _split_to_evaluate(config, state, training_images, len(validation)):
            evaluated = validation if split == "validation" else test
            event = _evaluate_split(config, state, split, evaluated)
            _mark_evaluated(config, state, event, training_images)
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
    if config.patience:
        yield from _end_with_best(config, state, test, training_images)


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


def _evaluate_split(config: TrainConfig, state: TrainState, split: str, images: Images) -> EvalMetrics:
    """Evaluate a split, and return the metrics."""
    started_at = time.perf_counter()
    loss, confusion, predictions, levels = evaluate(state.model, images, config.test_batch_size, config.precision)
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
    if config.skip_test or config.patience:
        return None
    is_epoch_end = _is_epoch_end(config, state, training_images)
    if is_epoch_end and not state.tested and (not validation_images or state.epoch == config.epochs):
        return "test"
    return None


def _mark_evaluated(config: TrainConfig, state: TrainState, event: EvalMetrics, training_images: int) -> None:
    """Mark in `state` what has been evaluated; a scheduled evaluation counts for early stopping."""
    if state.evaluation_asked:
        state.evaluation_asked = False
    elif event.split == "validation":
        state.validations = _scheduled_validations(config, state, training_images)
        if config.patience:
            _judge(config, state, event)
    else:
        state.tested = True


def _scheduled_validations(config: TrainConfig, state: TrainState, training_images: int) -> int:
    """Number of evaluations on validation that are due by now in this epoch."""
    if _is_epoch_end(config, state, training_images):  # the images that are dropped do not count
        return EVALUATIONS_PER_EPOCH
    return state.offset * EVALUATIONS_PER_EPOCH // training_images


def _is_epoch_end(config: TrainConfig, state: TrainState, training_images: int) -> bool:
    return not config.next_batch_size(training_images - state.offset, state.batch_size)


# Early stopping: Prechelt, "Early stopping, but when?" (1998), by counting evaluations as Keras and Lightning do.


def _judge(config: TrainConfig, state: TrainState, event: EvalMetrics) -> None:
    """Keep the state if an evaluation is the best so far by more than `min_delta`; else count it."""
    score = event.loss if config.monitor == "loss" else event.accuracy
    if state.best is not None:
        gain = state.best.score - score if config.monitor == "loss" else score - state.best.score
        if not gain > config.min_delta:  # also if the loss is NaN
            state.waited += 1
            return
    state.keep_best(score)


def _has_lost_patience(config: TrainConfig, state: TrainState) -> bool:
    return bool(config.patience) and state.waited >= config.patience


def _end_with_best(
    config: TrainConfig, state: TrainState, test: Images, training_images: int
) -> Generator[EvalMetrics, Adjustment | None, None]:
    """Test the best weights, unless `skip_test`, and go back to them.

    The state goes back after the event only, so that what is saved or sent meanwhile belongs to the last step. It is
    not marked as tested: training that resumes from it does everything after the best step again.
    """
    if not config.skip_test:
        with state.best_weights():
            event = _evaluate_split(config, state, "test", test)
        step, epoch = (state.best.step, state.best.position["epoch"]) if state.best else (state.step, config.epochs)
        yield replace(event, step=step, epoch=epoch)
    state.ending = _describe_ending(config, state, training_images)
    state.lost_patience = _has_lost_patience(config, state)
    state.return_to_best()


def _describe_ending(config: TrainConfig, state: TrainState, training_images: int) -> str:
    """Say where training stopped and why, and which weights the run has; empty if it has those of its last step."""
    if state.best is None or state.best.step == state.step:
        return ""
    weights = f"The weights are those of step {format_count(state.best.step)}"
    watched = "validation loss" if config.monitor == "loss" else "validation accuracy"
    is_last = state.epoch >= config.epochs and _is_epoch_end(config, state, training_images)
    if is_last or not _has_lost_patience(config, state):
        return f"Trained to the end. {weights}, where {watched} was best."
    more = f" by more than {config.min_delta:g}" if config.min_delta else ""
    evaluations = "1 evaluation" if state.waited == 1 else f"{state.waited} evaluations"
    return f"Stopped at step {format_count(state.step)}: {watched} had not improved{more} for {evaluations}. {weights}."
