"""The dataset that the page expects before a trainer has loaded it."""

from pathlib import Path

import pytest

from mnist_core.config import DATASETS, TrainConfig
from mnist_core.data import idx
from mnist_core.system import paths
from mnist_dashboard.train.expected_dataset import expected_dataset, expected_images


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(paths, "data_dir", lambda: tmp_path)
    return tmp_path


def test_auto_expects_the_files_that_exist(data_dir: Path) -> None:
    assert expected_dataset("auto") == ("MNIST, or without a network MNIST-5k", 60_000)
    folder = data_dir / "MNIST" / "raw"
    folder.mkdir(parents=True)
    (folder / idx.FILES[0]).touch()
    assert expected_dataset("auto") == ("MNIST, 60\u202f000 training images", 60_000)


def test_every_dataset_is_called_by_its_name() -> None:
    assert [expected_dataset(choice).description for choice in DATASETS if choice != "auto"] == [
        "MNIST, 60\u202f000 training images",
        "Fashion-MNIST, 60\u202f000 training images",
        "KMNIST, 60\u202f000 training images",
        "MNIST-5k, 4\u202f000 training images",
    ]


def test_validation_images_are_not_trained_on() -> None:
    assert expected_images(TrainConfig(dataset="mnist", validation_fraction=0.1)) == 54_000
    assert expected_images(TrainConfig(dataset="mnist-5k", validation_fraction=0.0)) == 4_000
    assert expected_images(TrainConfig(dataset="mnist-5k", train_fraction=0.25)) == 900
