"""A trained run, an exported run, and the store of another machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.exports.export_worker import export
from mnist_core.records import Run, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from tests.support.factories import finished_run

CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, epochs=1, device="cpu")


@pytest.fixture
def recorded(store: RunStore, a_step: Callable[..., StepMetrics]) -> Run:
    return finished_run(store, name="=1+1", steps=[a_step(step, loss=1 / step) for step in range(1, 6)])


@pytest.fixture
def exported_run(store: RunStore, a_step: Callable[..., StepMetrics]) -> Run:
    run = finished_run(store, name="<b>mine</b>", steps=[a_step(step, loss=1 / step) for step in range(1, 6)])
    return store.commands.edit_run(run.id, notes="# Notes\n=1+1", tags=["good", "slow"], starred=True)


@pytest.fixture
def archive_file(store: RunStore, exported_run: Run, tmp_path: Path) -> Path:
    export(store.queries, [exported_run], "archive", tmp_path / "runs.zip")
    return tmp_path / "runs.zip"


@pytest.fixture
def other_store(tmp_path: Path) -> Iterator[RunStore]:
    """The store of another machine."""
    opened = RunStore.open(tmp_path / "elsewhere")
    yield opened
    opened.close()


@pytest.fixture
def trained(store: RunStore, small_mnist: Dataset, signals_restored: None) -> Run:
    return train_run(store, store.commands.create_run(CONFIG, trainer=own_identity()))
