"""The images of a run, from the dataset on this machine: which folder, in which form, and only the run's own."""

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.data import idx
from mnist_core.data.local import dataset_folder
from mnist_core.data.run_images import MAX_DATASETS, RunImages
from mnist_core.data.splits import checksum
from mnist_core.errors import DatasetError
from mnist_core.records import Run
from mnist_core.store import RunStore
from tests.support.factories import LABELS, PROVENANCE, finished_run, numbered_images, run_with_images


@pytest.fixture
def run(store: RunStore, places: Path) -> Run:
    return run_with_images(store, places / "data")


def test_each_dataset_has_its_folder(places: Path) -> None:
    folders = [dataset_folder(name) for name in ("MNIST", "Fashion-MNIST", "KMNIST", "MNIST-5k")]
    assert [folder.relative_to(places).as_posix() for folder in folders] == [
        "data/MNIST/raw",
        "data/FashionMNIST/raw",
        "data/KMNIST/raw",
        "runs/derived/MNIST-5k/raw",
    ]
    with pytest.raises(DatasetError, match="There is no dataset 'CIFAR-10'"):
        dataset_folder("CIFAR-10")


def test_packed_files_are_the_same_images(run: Run, places: Path) -> None:
    raw = places / "data" / "MNIST" / "raw"
    for name in idx.FILES:
        (raw / f"{name}.gz").write_bytes(gzip.compress((raw / name).read_bytes(), 1))
        (raw / name).unlink()
    split = RunImages().split_of(run, "test")
    assert split.labels.tolist() == LABELS.tolist()
    assert split.images([300, 7])[:, 0, :2].tolist() == [[1, 44], [0, 7]]


def test_every_dataset_is_found_by_the_name_in_the_run(store: RunStore, places: Path) -> None:
    train, test = numbered_images(300), numbered_images(1000)
    images = RunImages()
    for name in ("KMNIST", "Fashion-MNIST", "MNIST-5k"):
        folder = dataset_folder(name)
        folder.mkdir(parents=True)
        idx.write_pair(folder, idx.TRAIN, train.images, train.labels)
        idx.write_pair(folder, idx.TEST, test.images, test.labels)
        sums = replace(PROVENANCE, dataset_checksum=checksum(train, test), test_checksum=checksum(test))
        run = finished_run(store, dataset=name, provenance=sums)
        assert len(images.split_of(run, "test")) == 1000
        assert len(images.split_of(run, "validation")) == 30
    assert len(images._loaded) == MAX_DATASETS


def test_a_run_with_another_share_for_validation_has_other_images(run: Run) -> None:
    images = RunImages()
    assert len(images.split_of(run, "validation")) == 30
    half = replace(run, config=replace(run.config, validation_fraction=0.5), validation_images=150)
    assert len(images.split_of(half, "validation")) == 150
    with pytest.raises(DatasetError, match="used other images"):
        images.split_of(replace(half, validation_images=30), "validation")
