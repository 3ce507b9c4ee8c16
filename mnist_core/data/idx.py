"""IDX files, the one format of datasets on disk: checked reading, writing, and publishing four of them at once.

A dataset is a folder with the four files of `FILES`. Nothing here knows which datasets exist or where they come
from. Reading never maps the file into memory: a file replaced later must not change a run in progress.
Source of the format: http://yann.lecun.com/exdb/mnist/ ("The IDX file format").
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import shutil
import struct
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_core.errors import DatasetError
from mnist_core.system.paths import display_path

Bytes = npt.NDArray[np.uint8]

TRAIN, TEST = "train", "t10k"
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

_STAGING = ".unfinished-"


class DamagedFileError(DatasetError):
    """A file is there but cannot be trusted. `path` is the file, `problem` completes a sentence about it."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{display_path(path)} {problem}. Put the right file in its place, or delete the folder "
            f"{display_path(path.parent)} to have all four files fetched again."
        )
        self.path = path
        self.problem = problem


@dataclass(frozen=True)
class _Kind:
    holds: str
    file: str
    magic: int
    """Two zero bytes, 8 for unsigned bytes, then the number of dimensions."""
    item: tuple[int, ...]

    @property
    def header_bytes(self) -> int:
        return 8 + 4 * len(self.item)


_IMAGES = _Kind("images", "images-idx3-ubyte", 0x0803, (28, 28))
_LABELS = _Kind("labels", "labels-idx1-ubyte", 0x0801, ())


def has_dataset(folder: Path) -> bool:
    """Whether `folder` holds a dataset. Raises `DatasetError` when only some of its four files are there."""
    missing = [name for name in FILES if not os.path.lexists(folder / name)]
    if missing and len(missing) < len(FILES):
        raise DatasetError(
            f"{display_path(folder)} holds only some of the four files of a dataset; missing: {', '.join(missing)}. "
            "Put them there, or delete the folder to have all four files fetched again."
        )
    return not missing


def read_pair(folder: Path, part: str) -> tuple[Bytes, Bytes]:
    """Read and check one half, `TRAIN` or `TEST`: uint8 images (N, 28, 28) and uint8 labels (N,), N at least 1.

    The arrays are fresh copies in memory and writable. Raises `DamagedFileError` for anything but whole images of 28x28
    with as many labels from 0 to 9. Takes about 20 ms for the 47 MB of MNIST.
    """
    images_path, labels_path = folder / f"{part}-{_IMAGES.file}", folder / f"{part}-{_LABELS.file}"
    images, labels = _read(images_path, _IMAGES), _read(labels_path, _LABELS)
    if len(images) != len(labels):
        raise DamagedFileError(
            labels_path, f"holds {len(labels):,} labels, but {images_path.name} holds {len(images):,} images"
        )
    if labels.max() > 9:
        place = int(np.argmax(labels > 9))
        raise DamagedFileError(
            labels_path, f"holds the label {labels[place]} at position {place}; labels go from 0 to 9"
        )
    return images, labels


def write_pair(folder: Path, part: str, images: Bytes, labels: Bytes) -> None:
    """Write one half as two IDX files, without any check. Raises `OSError`."""
    for kind, values in ((_IMAGES, images), (_LABELS, labels)):
        header = struct.pack(f">{1 + values.ndim}I", kind.magic, *values.shape)
        (folder / f"{part}-{kind.file}").write_bytes(header + values.tobytes())


def _read(path: Path, kind: _Kind) -> Bytes:
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            count = _checked_count(path, kind, file.read(kind.header_bytes), size)
            values = np.fromfile(file, np.uint8, count * math.prod(kind.item))
    except OSError as error:
        raise DamagedFileError(path, f"cannot be read ({error.strerror or error})") from error
    if values.size != size - kind.header_bytes:
        raise DamagedFileError(path, "changed while it was read")
    return values.reshape(count, *kind.item)


def _checked_count(path: Path, kind: _Kind, header: bytes, size: int) -> int:
    """How many items the header promises, or `DamagedFileError` when the file holds anything but exactly these."""
    if not header:
        raise DamagedFileError(path, "is empty")
    if header.startswith(b"\x1f\x8b"):
        raise DamagedFileError(path, "is still compressed with gzip: it must be unpacked")
    magic = int.from_bytes(header[:4], "big")
    for other in (_IMAGES, _LABELS):
        if magic == other.magic != kind.magic:
            raise DamagedFileError(path, f"holds {other.holds} where {kind.holds} belong")
    if len(header) >= 4 and magic != kind.magic:
        raise DamagedFileError(
            path, f"is not an IDX file of {kind.holds}: it begins with 0x{magic:08x}, not 0x{kind.magic:08x}"
        )
    if len(header) < kind.header_bytes:
        raise DamagedFileError(path, f"is cut short: {size} bytes, of which the header alone takes {kind.header_bytes}")
    count, *item = struct.unpack(f">{1 + len(kind.item)}I", header[4:])
    if tuple(item) != kind.item:
        raise DamagedFileError(path, f"holds images of {'x'.join(map(str, item))} pixels, not 28x28")
    if count == 0:
        raise DamagedFileError(path, f"holds no {kind.holds}")
    expected = kind.header_bytes + count * math.prod(kind.item)
    if size != expected:
        state = "is cut short" if size < expected else "is too long"
        raise DamagedFileError(path, f"{state}: {size:,} bytes, where {count:,} {kind.holds} take {expected:,}")
    return int(count)


def publish(folder: Path, fill: Callable[[Path], None], waiting: Callable[[], None]) -> None:
    """Make the dataset `folder` out of what `fill(empty_folder)` writes, so that nobody ever sees half of it.

    The files are written beside `folder`, checked, and renamed into place. Of several processes that want the same
    folder one works while the others call `waiting()` about five times a second and then find it done. Nothing
    is left behind when `fill` raises; what a killed process left is cleared by the next call.
    Raises `OSError` when the place cannot be written, `DamagedFileError` when `fill` wrote no valid dataset.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent, waiting) as alone:
        if has_dataset(folder):
            return
        if alone:
            for leftover in folder.parent.glob(f"{_STAGING}*"):
                shutil.rmtree(leftover, ignore_errors=True)
        staging = folder.with_name(f"{_STAGING}{uuid.uuid4().hex}")
        staging.mkdir()
        try:
            fill(staging)
            for part in (TRAIN, TEST):
                read_pair(staging, part)
            _publish_folder(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _publish_folder(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        # The folder holds other things, such as the .gz files that torchvision leaves there: they stay.
        for path in staging.iterdir():
            path.replace(folder / path.name)


@contextlib.contextmanager
def _locked(folder: Path, waiting: Callable[[], None]) -> Iterator[bool]:
    """Hold `folder` for this process. Yields False where the file system has no such locks (some NFS).

    The lock is on the folder itself, so there is no lock file to leave behind, and it ends with the process.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        alone = True
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                time.sleep(0.2)
                continue
            except OSError:
                alone = False
            break
        yield alone
    finally:
        os.close(handle)
