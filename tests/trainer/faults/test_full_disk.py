"""A trainer whose disk is full.

The run says what happened, nothing that was recorded is lost or doubled, and it can be resumed.
"""

import os
import resource
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.errors import DiskFullError, StoreUnavailableError
from mnist_core.records import Event, RunStatus
from mnist_core.store import RunStore
from mnist_core.trainer import worker
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

    def count_failures(*facts: Any, **named: Any) -> None:
        nonlocal failures
        try:
            finish(*facts, **named)
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
    snapshots = [f"snapshot-{step:08}.ckpt" for step in range(1, 7)]
    expected = ["best-00000005.ckpt", *snapshots, "step-00000005.ckpt"]
    assert sorted(path.name for path in folder.iterdir()) == expected
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
