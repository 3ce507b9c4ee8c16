"""Runs in a store as their trainers left them, without training; datasets as files."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.config import TrainConfig
from mnist_core.data import idx
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import Split, checksum
from mnist_core.records import EvalMetrics, Intervention, LayerNorms, Progress, Provenance, Run, RunStatus, StepMetrics
from mnist_core.runs.retention import purge_expired_runs
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity

LABELS = np.arange(1000, dtype=np.uint8) % 10

PROVENANCE = Provenance(
    commit="c" * 40,
    is_dirty=False,
    python="3.11.7",
    packages={"torch": "2.14.1"},
    platform="Linux",
    processor="some processor",
    device="cpu",
    precision="fp32",
    threads=1,
    seed=1,
    dataset="MNIST",
    dataset_checksum="d" * 64,
    test_checksum="e" * 64,
)

NO_CONFUSION = ((0,) * 10,) * 10
SEARCH_TRAIN_IMAGES = 54_000


def predictions(right: Sequence[int] | range) -> np.ndarray:
    """Return the predictions of a network that is right about these images and wrong about all others."""
    predicted = (LABELS + 1) % 10
    predicted[list(right)] = LABELS[list(right)]
    return predicted.astype(np.uint8)


def sure_levels(predicted: np.ndarray) -> np.ndarray:
    """Return the levels of a network that gives each predicted label 0.8, and the next one the rest."""
    levels = np.zeros((len(predicted), 10), np.uint8)
    images = np.arange(len(predicted))
    levels[images, predicted], levels[images, (predicted + 1) % 10] = 204, 51
    return levels


def certain_predictions(images: list[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return levels, predictions and labels of such images; predictions go through all digits."""
    predictions = (np.arange(len(images)) % 10).astype(np.uint8)
    levels = np.zeros((len(images), 10), np.uint8)
    levels[np.arange(len(images)), predictions] = [level for level, _ in images]
    wrong = np.array([not is_right for _, is_right in images], bool)
    return levels, predictions, np.where(wrong, (predictions + 1) % 10, predictions).astype(np.uint8)


def finished_run(
    store: RunStore,
    config: TrainConfig | None = None,
    *,
    name: str = "",
    right: Sequence[int] | range = range(900),
    dataset: str = "MNIST",
    provenance: Provenance | None = PROVENANCE,
    status: RunStatus = RunStatus.COMPLETED,
    steps: Sequence[StepMetrics] = (),
    validation: float | None = 0.9,
    test_loss: float = 0.2,
    train_images: int = 270,
) -> Run:
    """Create a finished run that was tested on 1,000 images and is right about those in `right`.

    The test kept probabilities, the validation before it labels alone.
    """
    config = config or TrainConfig()
    run = store.commands.create_run(config, name, trainer=own_identity())
    store.trainer_writes.begin_training(
        run,
        dataset=dataset,
        notice="",
        train_images=train_images,
        validation_images=30 if config.validation_fraction else 0,
        test_images=len(LABELS),
        device="cpu",
        threads=1,
    )
    if provenance:
        store.trainer_writes.write_provenance(run, replace(provenance, dataset=dataset, seed=config.seed), LABELS)
    predicted = predictions(right)
    accuracy = float((predicted == LABELS).mean())
    levels = sure_levels(predicted)
    evaluations = [EvalMetrics(5, 1, "test", test_loss, accuracy, NO_CONFUSION, predicted, 0.05, levels)]
    if validation is not None:
        evaluations.insert(0, EvalMetrics(5, 1, "validation", 0.3, validation, NO_CONFUSION, predicted[:30], 0.04))
    speed = steps[-1].examples_per_second if steps else None
    progress = Progress(len(steps), 1, loss=0.5, accuracy=0.8, examples_per_second=speed)
    norms = [LayerNorms(step.step, ("conv1", "fc1"), (1.5, 2.5), (0.25, 0.5)) for step in steps]
    store.trainer_writes.append_steps(run, progress, steps, evaluations, norms=norms)
    store.trainer_writes.finish_run(run, status)
    return store.queries.get_run(run.id)


def seed_runs(store: RunStore, lr: float, rights: Sequence[int], first: int = 1) -> list[int]:
    """Return the ids of finished runs that differ only in seed, each right about this many of 1,000 images."""
    runs = [
        finished_run(store, TrainConfig(lr=lr, seed=first + number), right=range(right))
        for number, right in enumerate(rights)
    ]
    return [run.id for run in runs]


def search_runs(store: RunStore, count: int, steps: int) -> list[Run]:
    """Create finished runs `search-1` and so on, with three seeds of each configuration, the most accurate first."""
    return [_search_run(store, number, steps) for number in range(count)]


def _search_run(store: RunStore, number: int, steps: int) -> Run:
    settings, seed = divmod(number, 3)
    config = TrainConfig(
        lr=round(0.3 * 0.8**settings, 6),
        batch_size=(32, 64, 128)[settings % 3],
        momentum=(0.0, 0.5, 0.9)[settings % 2],
        epochs=5 + settings % 4,
        seed=seed + 1,
    )
    wrong = 40 + 20 * settings + (0, 3, 1)[seed]
    speed = 5000.0 + 100 * (number % 7)
    curve = [
        StepMetrics(
            step=step,
            epoch=1 + (step - 1) * config.batch_size // SEARCH_TRAIN_IMAGES,
            loss=2.3 / (1 + step * config.lr) ** 0.5 * (1.2 if step % 2 else 0.8),
            accuracy=0.9,
            lr=config.lr,
            momentum=config.momentum,
            examples_per_second=speed,
            elapsed_seconds=step * config.batch_size / speed,
            confusion=NO_CONFUSION,
        )
        for step in range(1, steps + 1)
    ]
    return finished_run(
        store,
        config,
        name=f"search-{number + 1}",
        right=range(len(LABELS) - wrong),
        steps=curve,
        validation=1 - wrong / len(LABELS),
        test_loss=wrong / len(LABELS),
        train_images=SEARCH_TRAIN_IMAGES,
    )


def numbered_images(count: int) -> Split:
    """Return images with their index in the first two pixels."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(count) // 256, np.arange(count) % 256
    return Split(images, (np.arange(count) % 10).astype(np.uint8))


def run_with_images(store: RunStore, data: Path) -> Run:
    """Create a finished run on numbered images, which lie in the data folder as MNIST."""
    train, test = numbered_images(300), Split(numbered_images(len(LABELS)).images, LABELS)
    write_mnist(data, Dataset("MNIST", train, test))
    provenance = replace(PROVENANCE, dataset_checksum=checksum(train, test), test_checksum=checksum(test))
    return finished_run(store, provenance=provenance)


def write_mnist(data: Path, digits: Dataset) -> None:
    """Write these digits as the files of MNIST into a data folder."""
    raw = data / "MNIST" / "raw"
    raw.mkdir(parents=True)
    idx.write_pair(raw, idx.TRAIN, digits.train.images, digits.train.labels)
    idx.write_pair(raw, idx.TEST, digits.test.images, digits.test.labels)


def purge_until(store: RunStore, later: datetime) -> list[int]:
    """Look at the bin every other day until `later`, as a server does; returns the ids of the purged runs."""
    moment, purged = datetime.now(UTC), []
    while moment < later:
        moment = min(moment + timedelta(days=2), later)
        purged += purge_expired_runs(store, moment)
    return purged


def _grouped_run(
    number: int,
    dataset: str = "MNIST",
    changes: Sequence[tuple[int, str, float]] = (),
    parent: int = 0,
    **settings: Any,
) -> Run:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return Run(
        id=number,
        name=f"run-{number}",
        status=RunStatus.COMPLETED,
        config=TrainConfig(**settings),
        attempt=1,
        created_at=now,
        dataset=dataset,
        train_images=270,
        parent_id=parent or None,
        parent_step=50 if parent else None,
        interventions=tuple(
            Intervention(step, field, 0.01 if field == "lr" else 64, new, now, "page") for step, field, new in changes
        ),
    )


GROUPED_RUNS = (
    _grouped_run(1),
    _grouped_run(2, seed=2),
    _grouped_run(3, lr=0.1),
    _grouped_run(4, lr=0.1, optimizer="adam"),
    _grouped_run(5, dataset="KMNIST"),
    _grouped_run(6, parent=1),
    _grouped_run(7, changes=[(10, "lr", 0.5), (20, "batch_size", 32), (30, "lr", 0.2)]),
    _grouped_run(8, changes=[(10, "lr", 0.5), (20, "batch_size", 32), (30, "lr", 0.3)]),
    _grouped_run(9, lr=0.1, seed=2),
)
"""Runs of several groups of seeds, by id from 1 on."""
