"""The images that a run was evaluated on, from the dataset on this machine. Does not import torch.

The dataset is the run's only if its checksum is the one that the run recorded. It is computed once for each state of
the files, and each dataset is in memory once for all runs.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.data.local import FileStates, dataset_folder, file_states, read_dataset
from mnist_core.data.splits import Bytes, Indices, Split, checksum, split_validation
from mnist_core.errors import DatasetError
from mnist_core.records import Run

MAX_DATASETS = 2
"""Maximum number of datasets in memory; MNIST takes 55 MB."""


@dataclass(frozen=True, eq=False)
class RunSplit:
    """The images of a run's validation or test split, N of them, without a copy."""

    source: Split
    """The split of the dataset that has them."""
    indices: Indices
    """Position in `source` of each image, (N,)."""

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def labels(self) -> Bytes:
        """uint8, (N,)."""
        return self.source.labels[self.indices]

    def images(self, numbers: Sequence[int]) -> Bytes:
        """Return the images at these positions in the run's split, uint8 (len(numbers), 28, 28)."""
        return self.source.images[self.indices[list(numbers)]]


@dataclass(frozen=True, eq=False)
class _Loaded:
    states: FileStates
    train: Split
    test: Split
    dataset_checksum: str
    test_checksum: str


class RunImages:
    """The datasets of runs. Thread-safe."""

    def __init__(self) -> None:
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()
        self._lock = threading.Lock()

    def split_of(self, run: Run, split: str) -> RunSplit:
        """Return the images of a run's `validation` or `test` split.

        Reads the dataset and computes its checksum when the files are new or have changed, 0.2 s for MNIST. Raises
        `DatasetError` with one sentence, and its remedy, if the dataset is gone, damaged or another one.
        """
        if run.provenance is None:
            raise DatasetError(
                f"{run.name} did not record which images it used, so none can be shown. Train it again to see them."
            )
        loaded = self._load(run.dataset)
        if split == "test":
            is_same, source = loaded.test_checksum == run.provenance.test_checksum, loaded.test
            indices = _all_indices(len(source))
        else:
            is_same, source = loaded.dataset_checksum == run.provenance.dataset_checksum, loaded.train
            indices = _validation_indices(len(source), run.config.validation_fraction)
        images = run.test_images if split == "test" else run.validation_images
        if not is_same or len(indices) != images:
            raise DatasetError(
                f"{run.name} used other images than the {run.dataset} on this machine has, so they cannot be shown. "
                "Put the files that it used in their place."
            )
        return RunSplit(source, indices)

    def _load(self, name: str) -> _Loaded:
        try:
            folder = dataset_folder(name)
            states = file_states(folder)
        except DatasetError as error:
            raise DatasetError(
                f"{name[:50]} is not on this machine, so its images cannot be shown. Train a run on it to get it."
            ) from error
        with self._lock:
            loaded = self._loaded.get(name)
            if loaded is None or loaded.states != states:
                try:
                    train, test = read_dataset(folder)
                except DatasetError as error:
                    raise DatasetError(
                        f"The files of {name} on this machine are damaged, so its images cannot be shown. "
                        "Delete them, and train a run on it to get them again."
                    ) from error
                loaded = _Loaded(states, train, test, checksum(train, test), checksum(test))
                self._loaded[name] = loaded
                if len(self._loaded) > MAX_DATASETS:
                    self._loaded.popitem(last=False)
            self._loaded.move_to_end(name)
            return loaded


@functools.lru_cache(maxsize=8)
def _validation_indices(images: int, fraction: float) -> Indices:
    return split_validation(images, fraction)[1]


@functools.lru_cache(maxsize=8)
def _all_indices(images: int) -> Indices:
    return np.arange(images)
