"""Finding and checking datasets. For downloads see test_download.py, for the built-in digits test_mnist_5k.py."""

import gzip
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_core.data import idx
from mnist_core.data.datasets import Dataset, load_dataset
from mnist_core.errors import DatasetError


@pytest.fixture
def raw(five_thousand: Dataset, tmp_path: Path) -> Path:
    """The folder of a small MNIST below `tmp_path`: 200 training and 100 test images."""
    folder = tmp_path / "MNIST" / "raw"
    folder.mkdir(parents=True)
    idx.write_pair(folder, idx.TRAIN, five_thousand.train.images[:200], five_thousand.train.labels[:200])
    idx.write_pair(folder, idx.TEST, five_thousand.test.images[:100], five_thousand.test.labels[:100])
    return folder


def test_existing_files_are_used(raw: Path, tmp_path: Path, five_thousand: Dataset) -> None:
    for name in ("auto", "mnist"):
        dataset = load_dataset(name, data_dir=tmp_path)
        assert (dataset.name, dataset.notice) == ("MNIST", "")
        assert (len(dataset.train), len(dataset.test)) == (200, 100)
        assert dataset.train.images.dtype == dataset.train.labels.dtype == np.uint8
        assert (dataset.train.images == five_thousand.train.images[:200]).all()
        assert (dataset.test.labels == five_thousand.test.labels[:100]).all()


@pytest.mark.parametrize(
    ("name", "folder", "shown"), [("fashion-mnist", "FashionMNIST", "Fashion-MNIST"), ("kmnist", "KMNIST", "KMNIST")]
)
def test_the_other_datasets_have_torchvisions_folders(
    raw: Path, tmp_path: Path, name: str, folder: str, shown: str
) -> None:
    raw.parent.rename(tmp_path / folder)
    assert load_dataset(name, data_dir=tmp_path).name == shown


def test_the_folders_default_to_the_environment(raw: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MNIST_DATA_DIR", str(tmp_path))
    assert len(load_dataset().train) == 200


def test_a_file_replaced_later_does_not_change_the_arrays(raw: Path, tmp_path: Path) -> None:
    dataset = load_dataset(data_dir=tmp_path)
    before = dataset.train.images.copy()
    (raw / "train-images-idx3-ubyte").write_bytes(bytes(200 * 784 + 16))
    assert (dataset.train.images == before).all()


def test_an_unknown_name_is_refused_with_the_choices() -> None:
    with pytest.raises(DatasetError, match=r"no dataset 'emnist': choose one of auto, mnist, .*mnist-5k"):
        load_dataset("emnist")


# Damaged files


def header(*numbers: int) -> bytes:
    return struct.pack(f">{len(numbers)}I", *numbers)


TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = idx.FILES
DAMAGE: dict[str, tuple[str, Callable[[bytes], bytes], str]] = {
    "truncated": (TRAIN_IMAGES, lambda b: b[:-1], "is cut short: 156,815 bytes, where 200 images take 156,816"),
    "truncated labels": (TEST_LABELS, lambda b: b[:50], "is cut short: 50 bytes, where 100 labels take 108"),
    "oversized": (TEST_IMAGES, lambda b: b + b"x", "is too long: 78,417 bytes, where 100 images take 78,416"),
    "header cut": (TRAIN_IMAGES, lambda b: b[:10], "is cut short: 10 bytes, of which the header alone takes 16"),
    "magic cut": (TRAIN_LABELS, lambda b: b[:3], "is cut short: 3 bytes, of which the header alone takes 8"),
    "empty": (TRAIN_LABELS, lambda _: b"", "is empty"),
    "wrong magic": (
        TRAIN_IMAGES,
        lambda b: header(0x0D03) + b[4:],
        "is not an IDX file of images: it begins with 0x00000d03, not 0x00000803",
    ),
    "web page": (TEST_LABELS, lambda _: b"<!DOCTYPE html><html></html>", "is not an IDX file of labels"),
    "still packed": (
        TEST_IMAGES,
        lambda b: b"\x1f\x8b" + b,
        "is still compressed with gzip: unpack it, or add .gz to its name",
    ),
    "images for labels": (TRAIN_LABELS, lambda _: header(0x803, 1, 28, 28), "holds images where labels belong"),
    "labels for images": (TRAIN_IMAGES, lambda _: header(0x801, 1) + b"1", "holds labels where images belong"),
    "fewer labels": (
        TRAIN_LABELS,
        lambda b: header(0x801, 199) + b[8:-1],
        "holds 199 labels, but train-images-idx3-ubyte holds 200 images",
    ),
    "fewer images": (
        TEST_IMAGES,
        lambda b: header(0x803, 99, 28, 28) + b[16:-784],
        "holds 100 labels, but t10k-images-idx3-ubyte holds 99 images",
    ),
    "label above 9": (
        TEST_LABELS,
        lambda b: b[:11] + b"\x0a" + b[12:],
        "holds the label 10 at position 3; labels go from 0 to 9",
    ),
    "not 28x28": (
        TRAIN_IMAGES,
        lambda _: header(0x803, 200, 32, 32) + bytes(200 * 32 * 32),
        "holds images of 32x32 pixels, not 28x28",
    ),
    "zero images": (TEST_IMAGES, lambda _: header(0x803, 0, 28, 28), "holds no images"),
    "zero labels": (TEST_LABELS, lambda _: header(0x801, 0), "holds no labels"),
    "absurd count": (TRAIN_LABELS, lambda b: header(0x801, 2**32 - 1) + b[8:], "4,294,967,295 labels"),
}


@pytest.mark.parametrize("name", ["auto", "mnist"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_an_error_with_the_remedy(raw: Path, tmp_path: Path, damage: str, name: str) -> None:
    file, break_it, problem = DAMAGE[damage]
    (raw / file).write_bytes(break_it((raw / file).read_bytes()))
    with pytest.raises(DatasetError) as caught:
        load_dataset(name, data_dir=tmp_path)
    message = str(caught.value)
    named = TEST_LABELS if damage == "fewer images" else file
    assert message.startswith(f"{raw / named} ")
    assert problem in message
    assert f"Put the right file in its place, or delete the folder {raw} to have all four files fetched" in message


def test_a_file_that_cannot_be_read_is_an_error(raw: Path, tmp_path: Path) -> None:
    (raw / TRAIN_LABELS).unlink()
    (raw / TRAIN_LABELS).mkdir()
    with pytest.raises(DatasetError, match=r"train-labels-idx1-ubyte cannot be read \(Is a directory\)"):
        load_dataset(data_dir=tmp_path)


def test_a_broken_link_is_an_error(raw: Path, tmp_path: Path) -> None:
    (raw / TRAIN_LABELS).unlink()
    (raw / TRAIN_LABELS).symlink_to(tmp_path / "gone")
    with pytest.raises(DatasetError, match=r"train-labels-idx1-ubyte cannot be read \(No such file or directory\)"):
        load_dataset(data_dir=tmp_path)


@pytest.mark.parametrize("name", ["auto", "mnist"])
def test_an_incomplete_folder_is_an_error_that_names_the_missing_files(raw: Path, tmp_path: Path, name: str) -> None:
    (raw / TRAIN_LABELS).unlink()
    (raw / TEST_IMAGES).unlink()
    with pytest.raises(DatasetError, match=f"missing: {TRAIN_LABELS}, {TEST_IMAGES}. Put them there, or delete"):
        load_dataset(name, data_dir=tmp_path)


@pytest.mark.parametrize("place", ["raw", "."], ids=["in raw", "beside raw"])
@pytest.mark.parametrize("suffix", ["", ".gz"], ids=["unpacked", "packed"])
@pytest.mark.parametrize("separator", ["-", "."], ids=["hyphen", "dot"])
def test_files_under_the_names_of_other_downloads_are_used(raw: Path, place: str, suffix: str, separator: str) -> None:
    expected = load_dataset("mnist", data_dir=raw.parent.parent)
    for name in idx.FILES:
        content = (raw / name).read_bytes()
        (raw / name).unlink()
        path = raw.parent / place / (re.sub("-(idx[13])", rf"{separator}\1", name) + suffix)
        path.write_bytes(gzip.compress(content, 1) if suffix else content)
    before = sorted(raw.parent.rglob("*"))
    loaded = load_dataset("mnist", data_dir=raw.parent.parent)
    assert (loaded.train.images == expected.train.images).all()
    assert (loaded.test.labels == expected.test.labels).all()
    assert loaded.train.images.flags.writeable
    assert sorted(raw.parent.rglob("*")) == before


def test_an_unpacked_file_is_preferred(raw: Path, tmp_path: Path) -> None:
    for name in idx.FILES:
        (raw / f"{name}.gz").write_bytes(b"nothing")
    load_dataset("mnist", data_dir=tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"nothing", gzip.compress(b"no images"), gzip.compress(bytes(1000))[:-9]],
    ids=["empty", "no gzip", "no IDX", "cut"],
)
def test_a_damaged_packed_file_is_an_error_with_its_name(raw: Path, tmp_path: Path, content: bytes) -> None:
    (raw / "t10k-images-idx3-ubyte").unlink()
    (raw / "t10k-images.idx3-ubyte.gz").write_bytes(content)
    with pytest.raises(DatasetError, match=r"t10k-images\.idx3-ubyte\.gz (cannot be|is) "):
        load_dataset("mnist", data_dir=tmp_path)


@pytest.mark.usefixtures("offline")
def test_files_that_an_interrupted_download_of_torchvision_left_are_no_dataset(tmp_path: Path) -> None:
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    (raw / "train-images-idx3-ubyte.gz").write_bytes(b"half")
    with pytest.raises(DatasetError, match="cannot be downloaded"):
        load_dataset("mnist", data_dir=tmp_path)
