"""A trainer whose disk is full, or whose database is locked.

Whatever it is, the run says what happened, nothing that was recorded is lost or doubled, and it can be resumed.
"""

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.errors import DiskFullError, StoreLockedError, StoreUnavailableError
from mnist_core.records import Command, Event, RunStatus, StepMetrics
from mnist_core.store import RunStore, commands, trainer_writes
from mnist_core.store.database import connection
from mnist_core.system.paths import ROOT
from mnist_core.trainer import metrics_buffer, worker
from mnist_core.trainer.saver import CheckpointSaver
from mnist_core.trainer.worker import train_run
from tests.support.training import CONFIG, act_at_step, assert_undisturbed, claimed_run, load_newest, resume

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("signals_restored", "small_mnist", "commit_every_event")]

FULL = "The disk with the runs folder "


def set_pages(store: RunStore, number: int | None = None) -> None:
    """Limit the database to this many pages, as a full disk does; None means to its current size."""
    with store._engine.connect() as connection:
        page_count = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {number or page_count}")


def after_failures(number: int, store: RunStore, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Call `act` once the end of a run could not be recorded this many times."""
    finish, failures = store.trainer_writes.finish_run, 0

    def count_failures(*facts: Any) -> None:
        nonlocal failures
        try:
            finish(*facts)
        except StoreUnavailableError:
            failures += 1
            if failures == number:
                act()
            raise

    monkeypatch.setattr(store.trainer_writes, "finish_run", count_failures)


def take_room(store: RunStore, *occasions: str) -> None:
    """Make every such write need five pages more, so that it fails on a full disk."""
    with store._engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE filler (bytes)")
        for number, occasion in enumerate(occasions):
            connection.exec_driver_sql(
                f"CREATE TRIGGER fill_{number} AFTER {occasion} BEGIN INSERT INTO filler VALUES (zeroblob(20000)); END"
            )


STEPS_RECORDED = "INSERT ON step_chunks"
RUN_ENDED = "UPDATE OF finished_at ON runs WHEN new.finished_at IS NOT NULL"


# The disk is full


def test_a_run_whose_database_finds_no_room_is_interrupted_and_resumed(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_room(store, STEPS_RECORDED, RUN_ENDED)
    after_failures(3, store, monkeypatch, lambda: set_pages(store, 100_000))
    interrupted = train_run(store, claimed_run(store), act_at_step(7, lambda: set_pages(store)))
    assert interrupted.status is RunStatus.INTERRUPTED
    assert interrupted.reason.startswith(FULL)
    saved = load_newest(checkpoints_dir(interrupted))
    # Nothing was lost: the last steps were recorded when the run ended, and saved after that.
    assert saved.state.step == store.queries.count_steps(interrupted.id) == interrupted.progress.step == 8
    assert_undisturbed(store, resume(store, interrupted))


def test_a_run_whose_steps_find_no_room_continues_from_the_checkpoint_before(store: RunStore) -> None:
    take_room(store, STEPS_RECORDED)
    interrupted = train_run(store, claimed_run(store), act_at_step(7, lambda: set_pages(store)))
    assert store.queries.count_steps(interrupted.id) == interrupted.progress.step == 7
    assert (interrupted.status, interrupted.reason[: len(FULL)]) == (RunStatus.INTERRUPTED, FULL)
    set_pages(store, 100_000)
    assert_undisturbed(store, resume(store, interrupted))


@pytest.mark.parametrize("signalled", [False, True])
def test_a_trainer_that_cannot_record_its_end_gives_up_and_its_run_can_be_resumed(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, signalled: bool
) -> None:
    take_room(store, STEPS_RECORDED, RUN_ENDED)
    if signalled:
        after_failures(2, store, monkeypatch, lambda: os.kill(os.getpid(), signal.SIGTERM))
    else:
        monkeypatch.setattr(worker, "GIVE_UP_SECONDS", 0.05)
    run = claimed_run(store)
    with pytest.raises(DiskFullError):
        train_run(store, run, act_at_step(7, lambda: set_pages(store)))
    set_pages(store, 100_000)
    assert store.queries.get_run(run.id).status is RunStatus.RUNNING
    assert store.commands.interrupt_run(run, "Its trainer process is gone.")
    assert_undisturbed(store, resume(store, run))


Quota = Callable[[int], None]
ENOUGH_FOR_THE_DATABASE = 1_500_000  # but not for a checkpoint or a model of this network
LARGE = replace(CONFIG, model="classic")


@pytest.fixture
def quota() -> Iterator[Quota]:
    """A function that limits the size of files that this process writes, as a disk quota does; -1 lifts the limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size == -1 else size, hard))

    yield limit
    limit(-1)


def test_a_checkpoint_that_finds_no_room_interrupts_the_run_and_keeps_the_one_before(
    store: RunStore, quota: Quota
) -> None:
    interrupted = train_run(store, claimed_run(store, LARGE), act_at_step(7, lambda: quota(ENOUGH_FOR_THE_DATABASE)))
    quota(-1)
    assert interrupted.status is RunStatus.INTERRUPTED
    assert "step-00000009.ckpt could not be saved: File too large. Free some disk space" in interrupted.reason
    assert interrupted.reason.endswith("Then resume the run.")
    assert len(store.queries.read_steps(interrupted.id)) == 9
    folder = checkpoints_dir(interrupted)
    assert sorted(path.name for path in folder.iterdir()) == ["best-00000005.ckpt", "step-00000005.ckpt"]
    saved = load_newest(folder)
    assert saved.state.step == 5
    assert_undisturbed(store, resume(store, interrupted))


def test_a_model_that_finds_no_room_is_saved_when_the_run_is_resumed(
    store: RunStore, places: Path, quota: Quota, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = CheckpointSaver.save

    def save_and_fill(self: CheckpointSaver, event: Event | None, *facts: Any) -> None:
        save(self, event, *facts)
        if getattr(event, "split", "") == "test":
            quota(ENOUGH_FOR_THE_DATABASE)

    monkeypatch.setattr(CheckpointSaver, "save", save_and_fill)
    interrupted = train_run(store, claimed_run(store, replace(LARGE, save_model=True)))
    quota(-1)
    assert interrupted.status is RunStatus.INTERRUPTED
    assert interrupted.reason.endswith("could not be saved: File too large. Free some disk space, then resume the run.")
    assert not list((places / "runs" / "models").iterdir())
    resumed = resume(store, interrupted)
    assert (resumed.status, resumed.reason) == (RunStatus.COMPLETED, "")
    assert Path(resumed.model_file).is_file()


# Another process locks the database


HOLDER = """
import sys
from mnist_core.store.database.sqlite_files import bundled_sqlite
connection = bundled_sqlite.connect(sys.argv[1], isolation_level=None)
for line in sys.stdin:
    connection.execute(line)
    print(line, flush=True)
"""


class Holder:
    """A process that locks and unlocks the database by SQL statements."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", HOLDER, str(path)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)

    def tell(self, statement: str) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{statement}\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == f"{statement}\n"
        self.process.stdout.readline()


@pytest.fixture
def holder(store: RunStore, places: Path) -> Iterator[Holder]:
    lock_holder = Holder(places / "runs" / "runs.sqlite")
    with lock_holder.process:
        lock_holder.tell("SELECT 1")
        yield lock_holder
        lock_holder.process.kill()


def test_a_trainer_waits_for_the_lock_and_loses_nothing(store: RunStore, holder: Holder) -> None:
    released = threading.Timer(0.2, holder.tell, ["COMMIT"])

    def lock() -> None:
        holder.tell("BEGIN IMMEDIATE")
        released.start()

    run = train_run(store, claimed_run(store), act_at_step(7, lock))
    assert not released.is_alive()
    assert_undisturbed(store, run)


@pytest.fixture
def impatient(places: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunStore]:
    """A store whose writers soon give up waiting for the lock."""
    monkeypatch.setattr(connection, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(trainer_writes, "QUICK_SECONDS", 0.0)
    monkeypatch.setattr(commands, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(metrics_buffer, "LOCKED_SECONDS", 0.0)
    monkeypatch.setattr(metrics_buffer, "NOTICE_SECONDS", 0.0)
    store = RunStore.open(places / "runs")
    yield store
    store.close()


def test_a_run_trains_on_while_the_database_is_locked_and_records_everything_later(
    impatient: RunStore, holder: Holder
) -> None:
    recorded: dict[int, int] = {}

    def lock_for_a_while(event: Event) -> None:
        if isinstance(event, StepMetrics):
            (run,) = impatient.queries.list_runs()
            recorded[event.step] = run.progress.step
            if event.step in (10, 13):
                holder.tell("BEGIN IMMEDIATE" if event.step == 10 else "COMMIT")

    run = train_run(impatient, claimed_run(impatient), lock_for_a_while)
    assert [recorded[step] for step in (10, 11, 12, 13, 14)] == [10, 10, 10, 10, 14]
    assert run.notice == (
        "Another process kept the database locked for 0 s. The results were kept in memory meanwhile; none is missing."
    )
    assert_undisturbed(impatient, run)


@pytest.mark.parametrize("step", [0, 4, 18], ids=["prepares", "has its best checkpoint to save", "ends"])
def test_a_run_waits_for_the_database_where_it_cannot_go_on(impatient: RunStore, holder: Holder, step: int) -> None:
    released = threading.Timer(0.3, holder.tell, ["COMMIT"])

    def lock() -> None:
        holder.tell("BEGIN IMMEDIATE")
        released.start()

    claimed = claimed_run(impatient)
    if step == 0:
        lock()
    run = train_run(impatient, claimed, act_at_step(step, lock))
    released.join()
    assert_undisturbed(impatient, run)


def test_a_trainer_that_must_end_does_not_wait_for_the_database(impatient: RunStore, holder: Holder) -> None:
    def lock_and_end() -> None:
        holder.tell("BEGIN IMMEDIATE")
        os.kill(os.getpid(), signal.SIGTERM)

    run = claimed_run(impatient)
    with pytest.raises(StoreLockedError):
        train_run(impatient, run, act_at_step(11, lock_and_end))
    holder.tell("COMMIT")
    assert impatient.commands.interrupt_run(run, "Its trainer process is gone.")
    assert_undisturbed(impatient, resume(impatient, run))


def test_a_pause_survives_a_locked_database(impatient: RunStore, holder: Holder) -> None:
    claimed = claimed_run(impatient)

    def resume_once_paused() -> None:
        holder.tell("COMMIT")
        while impatient.queries.get_run(claimed.id).status is not RunStatus.PAUSED:
            pass
        impatient.commands.send_command(claimed.id, Command.RESUME, by="you")

    other = threading.Timer(0.2, resume_once_paused)

    def pause_and_lock() -> None:
        impatient.commands.send_command(claimed.id, Command.PAUSE, by="you")
        holder.tell("BEGIN IMMEDIATE")
        other.start()

    run = train_run(impatient, claimed, act_at_step(11, pause_and_lock))
    other.join()
    assert_undisturbed(impatient, run)
