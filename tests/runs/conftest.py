"""A store restored to the time before its second run was created, whose files are still there."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_core.data.datasets import Dataset
from mnist_core.exports.export_worker import export
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.trainer.worker import train_run
from tests.runs.restored import Restored
from tests.support.factories import write_mnist
from tests.support.processes import restored_signals
from tests.support.training import CONFIG, claimed_run

SAVING = dataclasses.replace(CONFIG, save_model=True)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, digits: Dataset) -> tuple[Path, Run]:
    """A runs folder with the database as it was before the second run, and that run. Two tests never share it."""
    folder = tmp_path_factory.mktemp("trained")
    write_mnist(folder / "data", digits)
    with restored_signals(), pytest.MonkeyPatch.context() as environment:
        environment.setenv("MNIST_DATA_DIR", str(folder / "data"))
        environment.setenv("MNIST_RUNS_DIR", str(folder / "runs"))
        store = RunStore.open(folder / "runs")
        first = train_run(store, claimed_run(store, SAVING))
        export(store.queries, [first], "archive", folder / "runs" / "first.zip")
        store.copy_to(folder / "backup.sqlite")
        forgotten = train_run(store, claimed_run(store, dataclasses.replace(SAVING, seed=2)))
        store.close()
    for path in (folder / "runs").glob(f"{DATABASE_NAME}*"):
        path.unlink()
    (folder / "backup.sqlite").rename(folder / "runs" / DATABASE_NAME)
    return folder / "runs", forgotten


@pytest.fixture
def restored(trained: tuple[Path, Run], places: Path) -> Iterator[Restored]:
    folder, forgotten = trained
    shutil.copytree(folder, places / "runs", dirs_exist_ok=True)
    store = RunStore.open(places / "runs")
    yield Restored(store, forgotten, places / "runs" / "first.zip")
    store.close()
