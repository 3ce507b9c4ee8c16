"""Synthetic finished runs, as noisy as real ones (loss, speed, probabilities), so that they compress no better."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np

from mnist_core.config import TrainConfig
from mnist_core.records import EvalMetrics, History, Progress, Provenance, Results, Run, RunStatus, encode_probabilities
from mnist_core.store import RunStore
from mnist_core.store.codecs import step_codec
from mnist_core.system.processes import own_identity
from mnist_core.trainer.metrics_buffer import LossCurve

TRAIN_IMAGES, VALIDATION_IMAGES, TEST_IMAGES = 54_000, 6_000, 10_000
EVALUATIONS_PER_EPOCH = 2

PROVENANCE = Provenance(
    commit="0" * 40,
    is_dirty=False,
    python="3.11.7",
    packages={"torch": "2.14.1", "torchvision": "0.29.1", "numpy": "2.4.6"},
    platform="Linux",
    processor="synthetic",
    device="cpu",
    precision="fp32",
    threads=2,
    seed=1,
    dataset="MNIST",
    dataset_checksum="1" * 64,
    test_checksum="2" * 64,
)


def fill_store(store: RunStore, runs: int, steps: int) -> None:
    """Import synthetic runs into an empty store, each as a finished run is kept: its steps in one chunk."""
    random = np.random.default_rng(1)
    template = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.finish_run(template, RunStatus.STOPPED)
    for number in range(runs):
        config = _config(number)
        history = _history(random, config, steps)
        store.commands.import_runs([(_run(template, config, history, number), history)])
    store.commands.delete_runs([template.id])
    store.commands.purge_runs([template.id])


def _config(number: int) -> TrainConfig:
    """Return random hyperparameters, as in a search with three seeds of each."""
    random = np.random.default_rng(number // 3)
    return TrainConfig(
        batch_size=int(random.choice([32, 64, 128])),
        lr=float(f"{10 ** random.uniform(-3, -0.5):.2g}"),
        momentum=float(random.choice([0.0, 0.5, 0.9])),
        weight_decay=float(random.choice([0.0, 0.0001, 0.001])),
        epochs=int(random.integers(5, 20)),
        seed=number % 3 + 1,
    )


def _steps(random: np.random.Generator, config: TrainConfig, count: int) -> np.ndarray:
    """Return steps with a falling loss, float32 as torch computes it, and the speed of a machine under varying load."""
    table = np.empty(count, step_codec.STEP_COLUMNS)
    step = np.arange(1, count + 1)
    mean_loss = 0.03 + 2.3 / (1 + step * config.lr / (1 - config.momentum) / 3) ** 0.8
    table["loss"] = (mean_loss * random.lognormal(0, 0.45, count)).astype(np.float32)
    correct = random.binomial(config.batch_size, np.clip(np.exp(-mean_loss * 0.8), 0.1, 0.999))
    table["accuracy"] = correct / config.batch_size
    rate = (9000 * random.lognormal(0, 0.12, count)).astype(np.float32)
    table["examples_per_second"] = rate
    table["elapsed_seconds"] = np.cumsum(config.batch_size / rate.astype(float))
    table["epoch"] = 1 + (step - 1) * config.batch_size // TRAIN_IMAGES
    table["lr"], table["momentum"] = config.lr, config.momentum
    return table


def _levels(random: np.random.Generator, predictions: np.ndarray) -> np.ndarray:
    """Return levels, uint8 (N, 10), that compress like those of the classic network after an epoch: 6,000 to 16 kB."""
    certain = random.choice(_CERTAINTIES, len(predictions))
    places = (np.arange(10) - predictions[:, None]) % 10
    return np.take_along_axis(certain, places, axis=1)


def _certainties() -> np.ndarray:
    """Return levels whose highest is the first of each row."""
    random = np.random.default_rng(3)
    logits = random.normal(0, 3, (20_000, 10))
    logits[:, 0] = logits.max(axis=1) + random.exponential(14, 20_000)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return encode_probabilities(powers / powers.sum(axis=1, keepdims=True))


_CERTAINTIES = _certainties()


def _evaluation(random: np.random.Generator, row: np.void, step: int, split: str, labels: np.ndarray) -> EvalMetrics:
    is_wrong = random.random(len(labels)) < 0.01 + 0.1 * min(float(row["loss"]), 9.0) / 9
    predictions = np.where(is_wrong, random.integers(0, 10, len(labels)), labels).astype(np.uint8)
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (labels, predictions), 1)
    return EvalMetrics(
        step=step,
        epoch=int(row["epoch"]),
        split=split,
        loss=float(row["loss"]),
        accuracy=float((predictions == labels).mean()),
        confusion=tuple(map(tuple, confusion.tolist())),
        predictions=predictions,
        elapsed_seconds=float(row["elapsed_seconds"]),
        probabilities=_levels(random, predictions),
    )


def _history(random: np.random.Generator, config: TrainConfig, steps: int) -> History:
    labels = np.random.default_rng(28)
    validation, test = labels.integers(0, 10, VALIDATION_IMAGES), labels.integers(0, 10, TEST_IMAGES)
    table = _steps(random, config, steps)
    interval = min(steps, TRAIN_IMAGES // config.batch_size // EVALUATIONS_PER_EPOCH)  # at least one
    evaluations = [
        _evaluation(random, table[step - 1], step, "validation", validation)
        for step in range(interval, steps + 1, interval)
    ]
    evaluations.append(_evaluation(random, table[-1], steps, "test", test))
    return History(table, tuple(evaluations), test.astype(np.uint8))


def _run(template: Run, config: TrainConfig, history: History, number: int) -> Run:
    last = history.steps[-1]
    *validations, test = history.evaluations
    began = template.created_at + timedelta(minutes=number)
    return replace(
        template,
        name=f"search-{number + 1}",
        status=RunStatus.COMPLETED,
        config=config,
        attempt=1,
        created_at=began,
        started_at=began,
        finished_at=began + timedelta(seconds=float(last["elapsed_seconds"])),
        dataset="MNIST",
        train_images=TRAIN_IMAGES,
        validation_images=VALIDATION_IMAGES,
        test_images=TEST_IMAGES,
        total_steps=len(history.steps),
        device="cpu",
        threads=2,
        tags=("search",),
        provenance=replace(PROVENANCE, seed=config.seed),
        curve=tuple(LossCurve().with_losses(history.steps["loss"]).points().tolist()),
        progress=Progress(
            step=len(history.steps),
            epoch=int(last["epoch"]),
            loss=float(last["loss"]),
            accuracy=float(last["accuracy"]),
            examples_per_second=float(last["examples_per_second"]),
            elapsed_seconds=float(last["elapsed_seconds"]),
            live_confusion=test.confusion,
        ),
        results=Results(
            validation_accuracy=validations[-1].accuracy if validations else None,
            best_validation_accuracy=max((evaluation.accuracy for evaluation in validations), default=None),
            test_accuracy=test.accuracy,
            test_loss=test.loss,
        ),
    )
