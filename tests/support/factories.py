"""Runs in a store as their trainers left them, without training; datasets as files, and images told apart."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mnist_core.config import TrainConfig
from mnist_core.data import idx
from mnist_core.data.datasets import Dataset, Split
from mnist_core.records import EvalMetrics, Progress, Provenance, Run, RunStatus, StepMetrics
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
    command="python -m mnist_core train",
)

NO_CONFUSION = ((0,) * 10,) * 10


def predictions(right: Sequence[int] | range) -> np.ndarray:
    """What a network says that is right about these images and wrong about all others."""
    said = (LABELS + 1) % 10
    said[list(right)] = LABELS[list(right)]
    return said.astype(np.uint8)


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
) -> Run:
    """A run that was tested on 1,000 images and is right about those in `right`."""
    config = config or TrainConfig()
    run = store.commands.create_run(config, name, trainer=own_identity())
    store.trainer_writes.begin_training(
        run,
        dataset=dataset,
        notice="",
        train_images=270,
        validation_images=30 if config.validation_fraction else 0,
        test_images=len(LABELS),
        device="cpu",
        threads=1,
    )
    if provenance:
        store.trainer_writes.write_provenance(run, replace(provenance, dataset=dataset, seed=config.seed), LABELS)
    said = predictions(right)
    made = [EvalMetrics(5, 1, "test", 0.2, float((said == LABELS).mean()), NO_CONFUSION, said, 0.05)]
    if validation is not None:
        made.insert(0, EvalMetrics(5, 1, "validation", 0.3, validation, NO_CONFUSION, said[:30], 0.04))
    store.trainer_writes.append_steps(run, Progress(step=len(steps), epoch=1, loss=0.5, accuracy=0.8), steps, made)
    store.trainer_writes.finish_run(run, status)
    return store.queries.get_run(run.id)


def numbered(count: int) -> Split:
    """Images that can be told apart: the first two pixels are the index."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.arange(count) // 256, np.arange(count) % 256
    return Split(images, (np.arange(count) % 10).astype(np.uint8))


def write_mnist(data: Path, digits: Dataset) -> None:
    """The files of MNIST in a data folder, with these digits in them."""
    raw = data / "MNIST" / "raw"
    raw.mkdir(parents=True)
    idx.write_pair(raw, idx.TRAIN, digits.train.images, digits.train.labels)
    idx.write_pair(raw, idx.TEST, digits.test.images, digits.test.labels)
