"""A trainer before its first batch: claiming a queued run and loading the dataset."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.data import idx
from mnist_core.data.datasets import Dataset
from mnist_core.errors import ConfigError, DatasetError
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.race import train_queued_runs
from mnist_core.system.processes import own_identity
from mnist_core.trainer import preparation
from mnist_core.trainer.worker import train_run
from tests.support.training import claimed_run

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=64, epochs=1, device="cpu")


def test_a_queued_run_is_claimed_and_trained(store: RunStore) -> None:
    run_id = store.commands.create_run(CONFIG).id
    train_queued_runs(run_id, 1)
    run = store.queries.get_run(run_id)
    assert (run.status, run.attempt, run.trainer) == (RunStatus.COMPLETED, 1, own_identity())


def test_a_run_that_another_trainer_claimed_is_not_touched(store: RunStore) -> None:
    begun = claimed_run(store, CONFIG)
    train_queued_runs(begun.id, 1)
    assert store.queries.get_run(begun.id) == begun


def test_a_queued_run_that_cannot_be_trained_fails_without_raising(store: RunStore, places: Path) -> None:
    (places / "data" / "MNIST" / "raw" / idx.FILES[0]).unlink()
    run_id = store.commands.create_run(CONFIG).id
    train_queued_runs(run_id, 1)
    run = store.queries.get_run(run_id)
    assert run.status is RunStatus.FAILED
    assert "missing: train-images-idx3-ubyte" in run.reason


def test_a_damaged_dataset_fails_the_run_with_the_reason(store: RunStore, places: Path) -> None:
    path = places / "data" / "MNIST" / "raw" / idx.FILES[0]
    path.write_bytes(b"not an image")
    begun = claimed_run(store, CONFIG)
    with pytest.raises(DatasetError, match="train-images-idx3-ubyte") as caught:
        train_run(store, begun)
    run = store.queries.get_run(begun.id)
    assert (run.status, run.reason) == (RunStatus.FAILED, str(caught.value))


def test_a_batch_larger_than_the_training_set_fails_the_run_with_the_reason(store: RunStore) -> None:
    begun = claimed_run(store, TrainConfig(dataset="mnist", batch_size=271))
    with pytest.raises(ConfigError, match="between 1 and 270"):
        train_run(store, begun)
    run = store.queries.get_run(begun.id)
    assert run.status is RunStatus.FAILED
    assert run.reason.startswith("Batch size must be between 1 and 270")
    assert run.progress.step == 0


def loads_slowly(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object], dataset: Dataset) -> None:
    """Replace loading by a download during which `meanwhile` is called."""

    def load(_name: str, *, progress: Callable[[str], None], **_options: Any) -> Dataset:
        progress("Downloading MNIST, 34 %")
        meanwhile()
        progress("Downloading MNIST, 35 %")
        return dataset

    monkeypatch.setattr(preparation, "load_dataset", load)


def test_a_download_shows_as_the_runs_notice(store: RunStore, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = claimed_run(store, CONFIG)
    seen: list[tuple[RunStatus, str]] = []

    def look() -> None:
        run = store.queries.get_run(begun.id)
        seen.append((run.status, run.notice))

    loads_slowly(monkeypatch, look, digits)
    assert train_run(store, begun).notice == ""
    assert seen == [(RunStatus.PREPARING, "Downloading MNIST, 34 %")]


def test_stop_cancels_a_download(store: RunStore, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = claimed_run(store, CONFIG)
    loads_slowly(monkeypatch, lambda: store.commands.request_stop(begun.id), digits)
    run = train_run(store, begun)
    assert (run.status, run.dataset) == (RunStatus.STOPPED, "")


def test_a_signal_cancels_a_download(store: RunStore, digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    loads_slowly(monkeypatch, lambda: os.kill(os.getpid(), signal.SIGTERM), digits)
    run = train_run(store, claimed_run(store, CONFIG))
    assert (run.status, run.dataset) == (RunStatus.INTERRUPTED, "")


def test_a_stop_before_the_first_batch_trains_nothing(store: RunStore) -> None:
    begun = claimed_run(store, CONFIG)
    store.commands.request_stop(begun.id)
    run = train_run(store, begun)
    assert run.status is RunStatus.STOPPED
    assert run.progress.step == 0
