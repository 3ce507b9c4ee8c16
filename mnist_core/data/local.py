"""Where each dataset lies on this machine, and reading it from there. Downloads nothing and does not import torch."""

from __future__ import annotations

from pathlib import Path

from mnist_core.data import idx
from mnist_core.data.sources import SOURCES, Source
from mnist_core.data.splits import Split
from mnist_core.errors import DatasetError
from mnist_core.system import paths

MNIST_5K = "MNIST-5k"
"""Name of the dataset that is built in."""

FileStates = tuple[tuple[str, int, int], ...]
"""Path, time of the last change in ns and size in bytes of each file of a dataset."""


def downloaded_folder(source: Source, data_dir: Path) -> Path:
    """Return the folder of a dataset in torchvision's layout; it may not exist."""
    return data_dir / source.folder / "raw"


def built_in_folder(runs_dir: Path) -> Path:
    """Return the folder in which MNIST-5k is stored as IDX files; it may not exist."""
    return runs_dir / "derived" / MNIST_5K / "raw"


def dataset_folder(name: str) -> Path:
    """Return the folder of the dataset that runs call `name`, such as `KMNIST`; it may not exist.

    Raises `DatasetError` for a name that this program does not know.
    """
    if name == MNIST_5K:
        return built_in_folder(paths.runs_dir())
    for source in SOURCES.values():
        if source.name == name:
            return downloaded_folder(source, paths.data_dir())
    raise DatasetError(f"There is no dataset {name[:50]!r}.")


def file_states(folder: Path) -> FileStates:
    """Return what changes when a file of the dataset in `folder` does. Raises `DatasetError` if one is missing."""
    if not idx.has_dataset(folder):
        raise DatasetError(f"{paths.display_path(folder)} holds no dataset.")
    files = [idx.find_file(folder, name) for name in idx.FILES]
    try:
        states = [file.stat() for file in files]
    except OSError as error:
        raise DatasetError(f"{paths.display_path(folder)} cannot be read ({error.strerror or error}).") from error
    return tuple((str(file), s.st_mtime_ns, s.st_size) for file, s in zip(files, states, strict=True))


def read_dataset(folder: Path) -> tuple[Split, Split]:
    """Read and check the training and the test split in `folder`. Raises `DatasetError`."""
    return Split(*idx.read_pair(folder, idx.TRAIN)), Split(*idx.read_pair(folder, idx.TEST))
