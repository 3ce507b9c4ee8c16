"""Reads, checks and writes IDX files, the format of datasets on disk, and publishes the four of a dataset at once.

A dataset is a folder with the four files in `FILES`, or under names that downloads give them (`find_file`). This module
does not know which datasets exist. Files are read, not mapped into memory: replacing a file must not change a run in
progress.
Source of the format: http://yann.lecun.com/exdb/mnist/ ("The IDX file format").
"""

from __future__ import annotations

import gzip
import math
import os
import re
import shutil
import struct
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mnist_core.errors import DatasetError
from mnist_core.system.locks import lock_folder
from mnist_core.system.paths import display_path

Bytes = npt.NDArray[np.uint8]

TRAIN, TEST = "train", "t10k"
FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

MAX_UNPACKED_BYTES = 2**30
"""Maximum size of a packed file, unpacked: 20 times the training images of MNIST."""

_STAGING_PREFIX = ".unfinished-"


class DamagedFileError(DatasetError):
    """A dataset file is damaged. `problem` completes a sentence that begins with its name."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(
            f"{display_path(path)} {problem}. Put the right file in its place, or delete the folder "
            f"{display_path(path.parent)} to have all four files fetched again."
        )
        self.path = path
        self.problem = problem


@dataclass(frozen=True)
class _FileFormat:
    content: str
    """`images` or `labels`, for messages."""
    suffix: str
    """The part of the file name after `train-` or `t10k-`."""
    magic: int
    """The first four bytes: two zero bytes, 8 for unsigned bytes, the number of dimensions."""
    item_shape: tuple[int, ...]

    @property
    def header_size(self) -> int:
        """Bytes of the header: magic number, number of items, item shape."""
        return 8 + 4 * len(self.item_shape)

    def file_size(self, count: int) -> int:
        """Bytes of a file with `count` items."""
        return self.header_size + count * math.prod(self.item_shape)


_IMAGES = _FileFormat("images", "images-idx3-ubyte", 0x0803, (28, 28))
_LABELS = _FileFormat("labels", "labels-idx1-ubyte", 0x0801, ())


def find_file(folder: Path, name: str) -> Path:
    """Return the file of a dataset called `name`, one of `FILES`, or one of the other names that downloads have.

    They have a dot for the second hyphen, are packed (`.gz`), or lie beside the folder `raw` instead of in it. Without
    any of them, the path is where the file belongs.
    """
    dotted = re.sub("-(idx[13])", r".\1", name)
    folders = [folder, folder.parent] if folder.name == "raw" else [folder]
    names = [f"{variant}{packed}" for variant in (name, dotted) for packed in ("", ".gz")]
    candidates = [place / variant for place in folders for variant in names]
    return next((path for path in candidates if os.path.lexists(path)), candidates[0])


def has_dataset(folder: Path) -> bool:
    """Whether `folder` holds a dataset, under any name that `find_file` knows.

    Raises `DatasetError` when only some of its four files are there.
    """
    found = {name: path for name in FILES if os.path.lexists(path := find_file(folder, name))}
    missing = [name for name in FILES if name not in found]
    # Packed files under these names are what torchvision's download leaves behind, also when it was cut short.
    is_own_download = all(path == folder / f"{name}.gz" for name, path in found.items())
    if missing and not is_own_download:
        raise DatasetError(
            f"{display_path(folder)} holds only some of the four files of a dataset; missing: {', '.join(missing)}. "
            "Put them there, or delete the folder to have all four files fetched again."
        )
    return not missing


def read_pair(folder: Path, part: str) -> tuple[Bytes, Bytes]:
    """Read and check the images and labels of one part, `TRAIN` or `TEST`.

    Returns uint8 images (N, 28, 28) and uint8 labels (N,), N at least 1, in memory and writable. Takes about 20 ms for
    the 47 MB of MNIST. Raises `DamagedFileError` unless the files hold complete images of 28x28 pixels and as many
    labels from 0 to 9.
    """
    images_path, labels_path = (find_file(folder, f"{part}-{format.suffix}") for format in (_IMAGES, _LABELS))
    images, labels = _read(images_path, _IMAGES), _read(labels_path, _LABELS)
    if len(images) != len(labels):
        raise DamagedFileError(
            labels_path, f"holds {len(labels):,} labels, but {images_path.name} holds {len(images):,} images"
        )
    if labels.max() > 9:
        index = int(np.argmax(labels > 9))
        raise DamagedFileError(
            labels_path, f"holds the label {labels[index]} at position {index}; labels go from 0 to 9"
        )
    return images, labels


def write_pair(folder: Path, part: str, images: Bytes, labels: Bytes) -> None:
    """Write the images and labels of one part as IDX files, without checks. Raises `OSError`."""
    for format, values in ((_IMAGES, images), (_LABELS, labels)):
        header = struct.pack(f">{1 + values.ndim}I", format.magic, *values.shape)
        (folder / f"{part}-{format.suffix}").write_bytes(header + values.tobytes())


def _read(path: Path, format: _FileFormat) -> Bytes:
    if path.suffix == ".gz":
        return _read_packed(path, format)
    try:
        with path.open("rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            count = _read_count(path, format, file.read(format.header_size), size)
            values = np.fromfile(file, np.uint8, count * math.prod(format.item_shape))
    except OSError as error:
        raise DamagedFileError(path, f"cannot be read ({error.strerror or error})") from error
    if values.size != size - format.header_size:
        raise DamagedFileError(path, "changed while it was read")
    return values.reshape(count, *format.item_shape)


def _read_packed(path: Path, format: _FileFormat) -> Bytes:
    """Read a file packed with gzip, which stays as it is."""
    try:
        with gzip.open(path) as file:
            content = file.read(MAX_UNPACKED_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedFileError(path, f"cannot be unpacked ({error})") from error
    if len(content) > MAX_UNPACKED_BYTES:
        raise DamagedFileError(path, f"unpacks to more than {MAX_UNPACKED_BYTES:,} bytes")
    count = _read_count(path, format, content[: format.header_size], len(content))
    values = np.frombuffer(content, np.uint8, offset=format.header_size).copy()  # writable
    return values.reshape(count, *format.item_shape)


def _read_count(path: Path, format: _FileFormat, header: bytes, size: int) -> int:
    """Return the number of items in the header. Raises `DamagedFileError` unless header and file size are right."""
    if not header:
        raise DamagedFileError(path, "is empty")
    if header.startswith(b"\x1f\x8b"):
        raise DamagedFileError(path, "is still compressed with gzip: unpack it, or add .gz to its name")
    magic = int.from_bytes(header[:4], "big")
    for other in (_IMAGES, _LABELS):
        if magic == other.magic != format.magic:
            raise DamagedFileError(path, f"holds {other.content} where {format.content} belong")
    if len(header) >= 4 and magic != format.magic:
        raise DamagedFileError(
            path, f"is not an IDX file of {format.content}: it begins with 0x{magic:08x}, not 0x{format.magic:08x}"
        )
    if len(header) < format.header_size:
        raise DamagedFileError(
            path, f"is cut short: {size} bytes, of which the header alone takes {format.header_size}"
        )
    count, *item_shape = struct.unpack(f">{1 + len(format.item_shape)}I", header[4:])
    if tuple(item_shape) != format.item_shape:
        raise DamagedFileError(path, f"holds images of {'x'.join(map(str, item_shape))} pixels, not 28x28")
    if count == 0:
        raise DamagedFileError(path, f"holds no {format.content}")
    expected_size = format.file_size(count)
    if size != expected_size:
        problem = "is cut short" if size < expected_size else "is too long"
        raise DamagedFileError(
            path, f"{problem}: {size:,} bytes, where {count:,} {format.content} take {expected_size:,}"
        )
    return int(count)


def publish(folder: Path, write_files: Callable[[Path], None], on_wait: Callable[[], None]) -> None:
    """Create the dataset `folder` atomically: other processes see all of it, checked, or nothing.

    `write_files(staging_folder)` writes the files into a new folder next to `folder`, which is checked and renamed. If
    several processes want the same folder, one writes it. The others call `on_wait()` about five times a second and
    return when it is there. If `write_files` raises, nothing is left behind. The next call removes what a killed
    process left.
    Raises `OSError` when the folder cannot be written, `DamagedFileError` when the files are no valid dataset.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with lock_folder(folder.parent, on_wait) as lock_error:
        if has_dataset(folder):
            return
        if not lock_error:
            for leftover in folder.parent.glob(f"{_STAGING_PREFIX}*"):
                shutil.rmtree(leftover, ignore_errors=True)
        staging = folder.with_name(f"{_STAGING_PREFIX}{uuid.uuid4().hex}")
        staging.mkdir()
        try:
            write_files(staging)
            for part in (TRAIN, TEST):
                read_pair(staging, part)
            _move_into_place(staging, folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _move_into_place(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        # The folder exists and holds other files, such as the .gz files that torchvision leaves there. They stay.
        for path in staging.iterdir():
            path.replace(folder / path.name)
