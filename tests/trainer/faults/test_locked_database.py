"""A trainer whose database another process keeps locked.

The run trains on where it can, nothing that was recorded is lost or doubled, and it can be resumed.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mnist_core.errors import StoreLockedError
from mnist_core.records import Command, Event, RunStatus, StepMetrics
from mnist_core.store import RunStore, commands, trainer_writes
from mnist_core.store.database import connection
from mnist_core.system.paths import ROOT
from mnist_core.trainer import metrics_buffer
from mnist_core.trainer.worker import train_run
from tests.support.training import act_at_step, assert_undisturbed, claimed_run, resume

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("signals_restored", "small_mnist", "commit_every_event")]

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
