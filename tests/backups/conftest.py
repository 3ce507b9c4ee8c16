"""A runs folder with a finished run that has a checkpoint and a model, and a backup of it."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from mnist_core.backups.backup import write_backup
from mnist_core.config import TrainConfig
from mnist_core.records import FileKind
from mnist_core.store import RunStore
from tests.support.factories import finished_run
from tests.support.files.run_files import give_checkpoint, give_model


@dataclass
class BackedUp:
    """A runs folder, closed, and a backup of it."""

    runs: Path
    backup: Path
    files: dict[str, bytes]
    """Content of the run's files by name."""

    def names(self) -> list[str]:
        """Return the names of the runs in the folder."""
        store = RunStore.open(self.runs)
        names = [run.name for run in store.queries.list_runs()]
        store.close()
        return names

    def read_files(self) -> dict[str, bytes]:
        return {name: (self.runs / name).read_bytes() for name in self.files}

    def add_run(self, name: str) -> None:
        store = RunStore.open(self.runs)
        store.commands.create_run(TrainConfig(), name)
        store.close()


@pytest.fixture
def backed_up(places: Path) -> BackedUp:
    runs = places / "runs"
    store = RunStore.open(runs)
    run = finished_run(store, name="first")
    paths = [
        give_checkpoint(store, run, 5),
        give_checkpoint(store, run, 5, FileKind.BEST),
        give_model(store, run, b"weights"),
    ]
    (runs / "owner" / "sessions").mkdir(parents=True)
    (runs / "owner" / "sessions" / "0123").write_text("a session")
    write_backup(store, runs, places / "backup.zip")
    store.close()
    return BackedUp(
        runs, places / "backup.zip", {path.relative_to(runs).as_posix(): path.read_bytes() for path in paths}
    )
