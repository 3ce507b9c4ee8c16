"""The store with a full disk or a database locked by another process, and its backups."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import DiskFullError, StoreError, StoreUnavailableError
from mnist_core.records import Progress, Run, StepMetrics
from mnist_core.store import RunStore
from mnist_core.store.database import connection
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import own_identity
from tests.support.files.storage import no_file_longer_than

Step = Callable[..., StepMetrics]


def pragma(store: RunStore, text: str) -> object:
    with store._engine.connect() as connection:
        return connection.exec_driver_sql(f"PRAGMA {text}").scalar_one()


def append(store: RunStore, run: Run, a_step: Step, first: int, count: int) -> None:
    steps = [a_step(step, loss=1 / step) for step in range(first, first + count)]
    store.trainer_writes.append_steps(run, Progress(step=steps[-1].step, epoch=1), steps)


@pytest.fixture
def run(store: RunStore) -> Run:
    return store.commands.create_run(TrainConfig(), trainer=own_identity())


# The disk is full


def test_a_full_disk_is_an_error_with_the_remedy_and_loses_nothing(
    store: RunStore, run: Run, a_step: Step, places: Path
) -> None:
    append(store, run, a_step, 1, 100)
    pragma(store, f"max_page_count = {pragma(store, 'page_count')}")

    def append_more() -> None:
        for first in range(101, 5000, 700):
            append(store, run, a_step, first, 700)

    with pytest.raises(DiskFullError) as caught:
        append_more()
    assert str(caught.value) == (
        f"The disk with the runs folder {places / 'runs'} is full. Free some space and resume the run."
    )
    step_count = store.queries.count_steps(run.id)
    assert step_count < 5000
    assert store.queries.get_run(run.id).progress.step == step_count
    assert pragma(store, "integrity_check") == "ok"

    pragma(store, "max_page_count = 1000000")
    append(store, run, a_step, step_count + 1, 700)
    assert store.queries.read_steps(run.id)["loss"].tolist() == [1 / step for step in range(1, step_count + 701)]


def test_a_write_that_the_kernel_refuses_is_a_temporary_error(
    store: RunStore, run: Run, a_step: Step, places: Path
) -> None:
    append(store, run, a_step, 1, 10)
    log = places / "runs" / "runs.sqlite-wal"
    with (
        no_file_longer_than(log.stat().st_size),
        pytest.raises(StoreUnavailableError, match=r"runs\.sqlite cannot be read or written .* try again"),
    ):
        append(store, run, a_step, 11, 10)
    append(store, run, a_step, 11, 10)
    assert store.queries.read_steps(run.id)["loss"].tolist() == [1 / step for step in range(1, 21)]
    assert pragma(store, "integrity_check") == "ok"


# Another process locks the database


def test_a_lock_held_for_too_long_is_an_error_with_the_remedy(
    store: RunStore, run: Run, a_step: Step, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.1)
    impatient = RunStore.open(places / "runs")
    with store._engine.begin():
        assert impatient.queries.get_run(run.id) == run  # reading needs no lock
        with pytest.raises(StoreUnavailableError, match=r"kept the database .* locked for 0\.1 s\. End it"):
            append(impatient, run, a_step, 1, 10)
    append(impatient, run, a_step, 1, 10)
    assert store.queries.count_steps(run.id) == 10
    impatient.close()


LOCKER = """
import sys
from pathlib import Path
from mnist_core.store import RunStore
with RunStore.open(Path(sys.argv[1]))._engine.begin():
    print("locked", flush=True)
    sys.stdin.readline()
"""
"""Locks the database until it reads a line."""


@pytest.mark.fault
def test_a_writer_waits_until_another_process_unlocks_the_database(
    store: RunStore, run: Run, a_step: Step, places: Path
) -> None:
    assert pragma(store, "busy_timeout") == 30_000  # milliseconds
    command = [sys.executable, "-c", LOCKER, str(places / "runs")]
    pipe = subprocess.PIPE
    with (
        subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT) as locker,
        ThreadPoolExecutor(1) as pool,
    ):
        assert locker.stdout
        assert locker.stdout.readline() == "locked\n"
        write = pool.submit(append, store, run, a_step, 1, 10)
        with pytest.raises(TimeoutError):
            write.result(timeout=0.2)
        locker.communicate("unlock\n")
        write.result()
    assert store.queries.read_steps(run.id)["loss"].tolist() == [1 / step for step in range(1, 11)]


# Backup


WRITER = """
import sys
from pathlib import Path
from mnist_core.system.processes import own_identity
from mnist_core.config import TrainConfig
from mnist_core.records import Progress, StepMetrics
from mnist_core.store import RunStore
store = RunStore.open(Path(sys.argv[1]))
run = store.commands.create_run(TrainConfig(), trainer=own_identity())
step = 0
while True:
    step += 1
    one = StepMetrics(step, 1, 0.5, 0.8, 0.01, 0.5, 1000.0, step / 100, ((0,) * 10,) * 10)
    store.trainer_writes.append_steps(run, Progress(step=step, epoch=1), [one])
    print(step, flush=True)
"""


@pytest.mark.fault
def test_a_backup_taken_while_a_trainer_writes_is_whole(store: RunStore, places: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(places / "runs")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer:
        assert writer.stdout
        while int(writer.stdout.readline()) < 50:
            pass
        before = store.queries.count_steps(1)
        (places / "copies" / "a").mkdir(parents=True)
        (places / "copies" / "b").mkdir()
        for name in "ab":
            store.copy_to(places / "copies" / name / "runs.sqlite")
        after = store.queries.count_steps(1)
        writer.kill()
    for name in "ab":
        copy = RunStore.open(places / "copies" / name)
        assert pragma(copy, "integrity_check") == "ok"
        steps = copy.queries.count_steps(1)
        assert before <= steps <= after
        assert copy.queries.get_run(1).progress.step == steps == len(copy.queries.read_steps(1))
        copy.close()


def test_a_backup_overwrites_nothing(store: RunStore, places: Path) -> None:
    path = places / "precious"
    path.write_text("precious")
    with pytest.raises(StoreError, match=r"precious exists already, .* Choose another name, or move it away\."):
        store.copy_to(path)
    assert path.read_text() == "precious"


def test_a_backup_into_a_missing_folder_is_refused(store: RunStore, places: Path) -> None:
    with pytest.raises(StoreError, match=r"cannot be written \(No such file or directory\)\. Choose a name"):
        store.copy_to(places / "nowhere" / "backup.sqlite")


def test_a_backup_that_does_not_fit_leaves_nothing_behind(
    store: RunStore, run: Run, a_step: Step, places: Path
) -> None:
    append(store, run, a_step, 1, 3000)
    folder = places / "small"
    folder.mkdir()
    with no_file_longer_than(8192), pytest.raises(StoreError, match=r"backup\.sqlite could not be written"):
        store.copy_to(folder / "backup.sqlite")
    assert not list(folder.iterdir())
    append(store, run, a_step, 3001, 10)
    assert store.queries.count_steps(run.id) == 3010
