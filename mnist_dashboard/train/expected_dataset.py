"""The dataset that a run will probably train on, known before the trainer has loaded it."""

from __future__ import annotations

from typing import NamedTuple

from mnist_core.config import DATASETS, TrainConfig
from mnist_core.data import idx
from mnist_core.system import paths
from mnist_dashboard.ui.formatting import format_count

_DOWNLOADABLE_TRAINING_IMAGES, _BUILT_IN_TRAINING_IMAGES = 60_000, 4_000


class ExpectedDataset(NamedTuple):
    """A dataset in words, and the number of its training images before validation images are split off."""

    description: str
    training_images: int


def expected_dataset(choice: str) -> ExpectedDataset:
    """Return the dataset that a choice of `config.DATASETS` will probably load."""
    if choice == "auto":
        if not idx.find_file(paths.data_dir() / "MNIST" / "raw", idx.FILES[0]).exists():
            return ExpectedDataset("MNIST, or without a network MNIST-5k", _DOWNLOADABLE_TRAINING_IMAGES)
        choice = "mnist"
    images = _BUILT_IN_TRAINING_IMAGES if choice == "mnist-5k" else _DOWNLOADABLE_TRAINING_IMAGES
    title = DATASETS[choice].partition(" (")[0]
    return ExpectedDataset(f"{title}, {format_count(images)} training images", images)


def expected_images(config: TrainConfig) -> int:
    """Return the number of images that an epoch will probably have."""
    images = round(expected_dataset(config.dataset).training_images * (1 - config.validation_fraction))
    return max(1, round(images * config.train_fraction))
