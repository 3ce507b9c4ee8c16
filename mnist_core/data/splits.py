"""Images with their labels, the choice of the validation split, and the checksum of a dataset.

Does not import torch, so that the server may use it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_core.config import SETTINGS

Bytes = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.int64]

_VALIDATION_SEED = 28  # never change it: new runs must be evaluated on the same images as old ones


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels. The arrays are in memory and writable, and the caller owns them.

    Two splits are equal only if they are the same object: comparing arrays gives no single truth value.
    """

    images: Bytes
    """uint8, (N, 28, 28): 0 is background, 255 is ink."""
    labels: Bytes
    """uint8, (N,): 0 to 9."""

    def __len__(self) -> int:
        return len(self.labels)


def split_validation(images: int, fraction: float) -> tuple[Indices, Indices]:
    """Choose `round(images * fraction)` training images for validation.

    Returns the indices of the rest and of the chosen ones, each ascending. The images stay where they are: copying the
    rest of MNIST would take 0.15 s. The choice depends on the arguments alone, so runs with different seeds are
    evaluated on the same images. A smaller validation split is a subset of a larger one. Raises `ConfigError` when
    `fraction` is out of range.
    """
    validation_images = round(images * SETTINGS["validation_fraction"].validate(fraction))
    # NumPy guarantees the stream of RandomState for ever. That of default_rng may change between versions.
    shuffled = np.random.RandomState(_VALIDATION_SEED).permutation(images)
    return np.sort(shuffled[validation_images:]), np.sort(shuffled[:validation_images])


def choose_training(labels: Bytes, indices: Indices, fraction: float) -> Indices:
    """Choose `round(len(indices) * fraction)` of the training images at `indices`, at least one, ascending.

    `labels` are those of all training images. The choice is stratified: of each digit it has the same share, up to one
    image. It depends on the arguments alone, not on a run's seed, and a smaller choice is a subset of a larger one.
    Raises `ConfigError` when `fraction` is out of range.
    """
    if SETTINGS["train_fraction"].validate(fraction) == 1:
        return indices
    shuffled = np.random.RandomState(_VALIDATION_SEED).permutation(indices)
    quantiles = np.empty(len(shuffled))
    """Where each image stands among those of its digit, from 0 to 1: ascending, all digits come evenly."""
    for digit in np.unique(labels[shuffled]):
        places = np.flatnonzero(labels[shuffled] == digit)
        quantiles[places] = (np.arange(len(places)) + 0.5) / len(places)
    chosen = max(1, round(len(indices) * fraction))
    return np.sort(shuffled[np.argsort(quantiles, kind="stable")[:chosen]])


def split_training(labels: Bytes, validation_fraction: float, train_fraction: float) -> tuple[Indices, Indices]:
    """Return the indices of the images that a run trains on, and of its validation split, both ascending.

    `labels` are those of all training images. See `split_validation` and `choose_training`.
    """
    rest, validation = split_validation(len(labels), validation_fraction)
    return choose_training(labels, rest, train_fraction), validation


def checksum(*splits: Split) -> str:
    """Return the SHA-256, in hex, of the images and labels of each split in turn."""
    digest = hashlib.sha256()
    for split in splits:
        digest.update(split.images.data)
        digest.update(split.labels.data)
    return digest.hexdigest()
