"""Publishing a folder of IDX files. For damaged files see test_datasets.py."""

import errno
import fcntl
import threading
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data import idx
from mnist_core.errors import DatasetError


def fill(folder: Path) -> None:
    for part, count in ((idx.TRAIN, 20), (idx.TEST, 10)):
        labels = (np.arange(count) % 10).astype(np.uint8)
        idx.write_pair(folder, part, np.full((count, 28, 28), 7, np.uint8), labels)


def never() -> None:
    raise AssertionError("nobody else holds the folder")


def unfinished(folder: Path) -> list[Path]:
    return [path for path in folder.parent.iterdir() if path != folder]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "MNIST" / "raw"


def test_published_files_read_back_the_same(folder: Path) -> None:
    idx.publish(folder, fill, never)
    images, labels = idx.read_pair(folder, idx.TRAIN)
    assert images.shape == (20, 28, 28)
    assert images.dtype == labels.dtype == np.uint8
    assert (images == 7).all()
    assert labels.tolist() == [*range(10), *range(10)]
    assert images.flags.writeable
    assert unfinished(folder) == []


def test_an_error_while_writing_leaves_nothing(folder: Path) -> None:
    def stumble(staging: Path) -> None:
        fill(staging)
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        idx.publish(folder, stumble, never)
    assert list(folder.parent.iterdir()) == []


def test_damaged_files_are_not_published(folder: Path) -> None:
    def wrong(staging: Path) -> None:
        fill(staging)
        (staging / "t10k-labels-idx1-ubyte").write_bytes(b"")

    with pytest.raises(idx.DamagedFileError, match="t10k-labels-idx1-ubyte is empty"):
        idx.publish(folder, wrong, never)
    assert list(folder.parent.iterdir()) == []


def test_leftovers_of_a_killed_process_are_removed(folder: Path) -> None:
    leftover = folder.parent / ".unfinished-0123"
    leftover.mkdir(parents=True)
    (leftover / "train-images-idx3-ubyte").write_bytes(b"half")
    idx.publish(folder, fill, never)
    assert unfinished(folder) == []


def test_other_files_in_the_folder_stay(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(b"kept")
    idx.publish(folder, fill, never)
    assert (folder / "train-images-idx3-ubyte.gz").read_bytes() == b"kept"
    assert idx.has_dataset(folder)
    assert unfinished(folder) == []


def test_a_folder_that_is_complete_is_left_alone(folder: Path) -> None:
    idx.publish(folder, fill, never)

    def refill(_: Path) -> None:
        raise AssertionError("must not be filled again")

    idx.publish(folder, refill, never)


def test_a_second_writer_waits_for_the_first_and_uses_its_files(folder: Path) -> None:
    first_fills, second_waits = threading.Event(), threading.Event()
    filled = []

    def slow_fill(staging: Path) -> None:
        first_fills.set()
        assert second_waits.wait(10)
        fill(staging)
        filled.append("first")

    first = threading.Thread(target=idx.publish, args=(folder, slow_fill, never))
    first.start()
    assert first_fills.wait(10)
    idx.publish(folder, lambda _: filled.append("second"), second_waits.set)
    first.join()
    assert filled == ["first"]
    assert idx.has_dataset(folder)


def test_waiting_can_be_cancelled(folder: Path) -> None:
    def cancel() -> None:
        raise InterruptedError("stop")

    def inner(staging: Path) -> None:
        with pytest.raises(InterruptedError):
            idx.publish(folder, fill, cancel)
        fill(staging)

    idx.publish(folder, inner, never)
    assert idx.has_dataset(folder)


def test_without_locks_two_writers_both_succeed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(_handle: int, _operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    def overtaken(staging: Path) -> None:
        fill(staging)
        idx.publish(folder, fill, never)

    monkeypatch.setattr(fcntl, "flock", unsupported)
    idx.publish(folder, overtaken, never)
    assert idx.has_dataset(folder)
    assert unfinished(folder) == []


def test_a_folder_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    (tmp_path / "MNIST").write_text("a file where the folder should be")
    with pytest.raises(OSError, match="File exists"):
        idx.publish(tmp_path / "MNIST" / "raw", fill, never)


def test_an_incomplete_folder_is_an_error_even_for_a_writer(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte").write_bytes(b"")
    with pytest.raises(DatasetError, match="only some of the four files"):
        idx.publish(folder, fill, never)
