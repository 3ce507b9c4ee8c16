"""A trainer whose disk is full, whose database is locked, whose memory is short, or whose files are damaged.

Whatever it is, the run says what happened, nothing that was recorded is lost or doubled, and it can be resumed.
"""

import math
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
import torch

from mnist_core import checkpoint, database, lineage, recorder, saver, steering, worker
from mnist_core.checkpoint_files import checkpoints_dir, list_checkpoints
from mnist_core.config import TrainConfig
from mnist_core.engine import TrainState
from mnist_core.errors import CheckpointError, DiskFullError, StoreUnavailableError
from mnist_core.places import ROOT
from mnist_core.processes import own_identity
from mnist_core.records import Event, Run, RunStatus, StepMetrics
from mnist_core.saver import Saver
from mnist_core.store import RunStore
from mnist_core.worker import Observer, train_run

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist", "at_once")

CONFIG = TrainConfig(dataset="mnist", batch_size=30, epochs=2, momentum=0.9, device="cpu")
STEPS = 18
FULL = "The disk with the runs folder "


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every event is committed, orders are read after each, and what failed is tried again soon."""
    monkeypatch.setattr(recorder, "COMMIT_SECONDS", 0.0)
    monkeypatch.setattr(steering, "ORDERS_SECONDS", 0.0)
    monkeypatch.setattr(worker, "RETRY_SECONDS", 0.01)


def at_step(number: int, act: Callable[[], object]) -> Observer:
    def observe(event: Event) -> None:
        if isinstance(event, StepMetrics) and event.step == number:
            act()

    return observe


def held(store: RunStore, config: TrainConfig = CONFIG) -> Run:
    return store.create_run(config, trainer=own_identity())


def resume(store: RunStore, run: Run) -> Run:
    store.queue_again(run.id)
    claimed = store.claim_run(run.id, own_identity(), 1)
    assert claimed
    return train_run(store, claimed)


@pytest.fixture(scope="module")
def whole() -> list[float]:
    """Filled with the losses of an undisturbed run by whoever needs them first."""
    return []


def assert_whole(store: RunStore, run: Run, whole: list[float]) -> None:
    """A run that ended as if nothing had been: every step once, bit for bit, every evaluation, the last checkpoint."""
    whole[:] = whole or store.read_steps(train_run(store, held(store)).id)["loss"].tolist()
    assert (run.status, run.reason) == (RunStatus.COMPLETED, "")
    assert store.read_steps(run.id)["loss"].tolist() == whole
    evaluated = [(one.step, one.split) for one in store.list_evaluations(run.id)]
    assert evaluated == [*((step, "validation") for step in (5, 9, 14, 18)), (18, "test")]
    assert sorted(list_checkpoints(checkpoints_dir(run.id))) == [14, 18]


def set_pages(store: RunStore, number: int | None = None) -> None:
    """Have the database take no more than so many pages, which is what a full disk is to SQLite; None for no more."""
    with store._engine.connect() as connection:
        there = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {number or there}")


def after_failures(number: int, store: RunStore, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Do something once the end of a run could not be recorded so many times."""
    finish, failures = store.finish_run, 0

    def count_failures(*facts: Any) -> None:
        nonlocal failures
        try:
            finish(*facts)
        except StoreUnavailableError:
            failures += 1
            if failures == number:
                act()
            raise

    monkeypatch.setattr(store, "finish_run", count_failures)


def take_room(store: RunStore, *occasions: str) -> None:
    """Have every such write take five pages more, so that on a full disk it is the one that fails."""
    with store._engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE filler (bytes)")
        for number, occasion in enumerate(occasions):
            connection.exec_driver_sql(
                f"CREATE TRIGGER fill_{number} AFTER {occasion} BEGIN INSERT INTO filler VALUES (zeroblob(20000)); END"
            )


STEPS_RECORDED = "INSERT ON step_chunks"
RUN_ENDED = "UPDATE OF finished_at ON runs WHEN new.finished_at IS NOT NULL"


# The disk is full


def test_a_run_whose_database_finds_no_room_says_so_once_there_is_some_and_is_resumed(
    store: RunStore, whole: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    take_room(store, STEPS_RECORDED, RUN_ENDED)
    after_failures(3, store, monkeypatch, lambda: set_pages(store, 100_000))
    interrupted = train_run(store, held(store), at_step(7, lambda: set_pages(store)))
    assert interrupted.status is RunStatus.INTERRUPTED
    assert interrupted.reason.startswith(FULL)
    saved = checkpoint.load_latest(checkpoints_dir(interrupted.id))
    assert saved
    # Nothing was lost: what could not be recorded at first was when the run ended, and the checkpoint after it.
    assert saved.state.step == store.count_steps(interrupted.id) == interrupted.progress.step == 8
    assert_whole(store, resume(store, interrupted), whole)


def test_a_run_that_can_be_ended_but_not_recorded_goes_on_from_the_checkpoint_before(
    store: RunStore, whole: list[float]
) -> None:
    take_room(store, STEPS_RECORDED)
    interrupted = train_run(store, held(store), at_step(7, lambda: set_pages(store)))
    assert store.count_steps(interrupted.id) == interrupted.progress.step == 7
    assert (interrupted.status, interrupted.reason[: len(FULL)]) == (RunStatus.INTERRUPTED, FULL)
    set_pages(store, 100_000)
    assert_whole(store, resume(store, interrupted), whole)


@pytest.mark.parametrize("signalled", [False, True])
def test_a_trainer_gives_up_in_the_end_or_when_told_and_its_run_is_found(
    store: RunStore, whole: list[float], monkeypatch: pytest.MonkeyPatch, signalled: bool
) -> None:
    take_room(store, STEPS_RECORDED, RUN_ENDED)
    if signalled:
        after_failures(2, store, monkeypatch, lambda: os.kill(os.getpid(), signal.SIGTERM))
    else:
        monkeypatch.setattr(worker, "GIVE_UP_SECONDS", 0.05)
    run = held(store)
    with pytest.raises(DiskFullError):
        train_run(store, run, at_step(7, lambda: set_pages(store)))
    set_pages(store, 100_000)
    assert store.get_run(run.id).status is RunStatus.RUNNING
    assert store.interrupt_run(run, "Its trainer process is gone.")
    assert_whole(store, resume(store, run), whole)


Quota = Callable[[int], None]
ENOUGH_FOR_THE_DATABASE = 1_500_000  # but for no checkpoint, and no model


@pytest.fixture
def quota() -> Iterator[Quota]:
    """As a disk quota: from when it is called, the kernel refuses this process every write beyond; -1 lifts it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(size: int) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft if size == -1 else size, hard))

    yield limit
    limit(-1)


def test_a_checkpoint_that_finds_no_room_interrupts_the_run_and_the_one_before_stays(
    store: RunStore, whole: list[float], quota: Quota
) -> None:
    interrupted = train_run(store, held(store), at_step(7, lambda: quota(ENOUGH_FOR_THE_DATABASE)))
    quota(-1)
    assert interrupted.status is RunStatus.INTERRUPTED
    assert "step-00000009.ckpt could not be saved: File too large. Free some disk space" in interrupted.reason
    assert interrupted.reason.endswith("Then resume the run.")
    assert len(store.read_steps(interrupted.id)) == 9
    folder = checkpoints_dir(interrupted.id)
    assert sorted(path.name for path in folder.iterdir()) == ["best-00000005.ckpt", "step-00000005.ckpt"]
    saved = checkpoint.load_latest(folder)
    assert saved
    assert saved.state.step == 5
    assert_whole(store, resume(store, interrupted), whole)


def test_a_model_that_finds_no_room_is_saved_when_the_run_is_resumed(
    store: RunStore, places: Path, quota: Quota, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = Saver.save

    def save_and_fill(self: Saver, event: Event | None, *facts: Any) -> None:
        save(self, event, *facts)
        if getattr(event, "split", "") == "test":
            quota(ENOUGH_FOR_THE_DATABASE)

    monkeypatch.setattr(Saver, "save", save_and_fill)
    interrupted = train_run(store, held(store, replace(CONFIG, save_model=True)))
    quota(-1)
    assert interrupted.status is RunStatus.INTERRUPTED
    assert interrupted.reason.endswith("could not be saved: File too large. Free some disk space, then resume the run.")
    assert not list((places / "runs" / "models").iterdir())
    resumed = resume(store, interrupted)
    assert (resumed.status, resumed.reason) == (RunStatus.COMPLETED, "")
    assert Path(resumed.model_file).is_file()


# Another process holds the database


HOLDER = """
import sys
from mnist_core.database import bundled_sqlite
connection = bundled_sqlite.connect(sys.argv[1], isolation_level=None)
for line in sys.stdin:
    connection.execute(line)
    print(line, flush=True)
"""


class Holder:
    """A process that locks the database and lets it go when it is told to."""

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
    one = Holder(places / "runs" / "runs.sqlite")
    with one.process:
        one.tell("SELECT 1")
        yield one
        one.process.kill()


def test_a_trainer_waits_for_the_lock_and_loses_nothing(store: RunStore, whole: list[float], holder: Holder) -> None:
    released = threading.Timer(1.0, holder.tell, ["COMMIT"])

    def lock() -> None:
        holder.tell("BEGIN IMMEDIATE")
        released.start()

    run = train_run(store, held(store), at_step(7, lock))
    assert not released.is_alive()
    assert_whole(store, run, whole)


def test_a_lock_held_for_too_long_interrupts_the_run_with_all_it_did(
    places: Path, whole: list[float], holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    store = RunStore.open(places / "runs")
    after_failures(2, store, monkeypatch, lambda: holder.tell("COMMIT"))
    interrupted = train_run(store, held(store), at_step(7, lambda: holder.tell("BEGIN IMMEDIATE")))
    assert interrupted.status is RunStatus.INTERRUPTED
    assert "Another process has kept the database" in interrupted.reason
    assert store.count_steps(interrupted.id) == interrupted.progress.step == 8
    assert_whole(store, resume(store, interrupted), whole)
    store.close()


# Out of memory


SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
import numpy as np, psutil
from mnist_core import worker
from mnist_core.config import TrainConfig
from mnist_core.data import Dataset, Split
from mnist_core.processes import own_identity
from mnist_core.store import RunStore

split = Split(np.zeros((5000, 28, 28), np.uint8), np.zeros(5000, np.uint8))
worker.load_dataset = lambda *_args, **_options: Dataset("MNIST", split, split)
train = worker.train

def train_in_little(*args, **options):
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + 25_000_000, resource.RLIM_INFINITY))
    yield from train(*args, **options)

worker.train = train_in_little
store = RunStore.open(Path(sys.argv[1]))
config = TrainConfig(batch_size=1024, device="cpu")
run = worker.train_run(store, store.create_run(config, trainer=own_identity()))
print(run.status, run.reason)
"""


def test_a_trainer_that_runs_out_of_memory_says_what_to_choose(places: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY, str(places / "runs")],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stdout == "failed Out of memory. Choose a smaller batch size or test batch size.\n", done.stderr


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 MiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 4 bytes."),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_every_way_of_running_out_of_memory_is_known(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_args: object, **_options: object) -> Iterator[Event]:
        raise error
        yield

    monkeypatch.setattr(worker, "train", fail)
    run = train_run(store, held(store))
    assert (run.status, run.reason) == (
        RunStatus.FAILED,
        "Out of memory. Choose a smaller batch size or test batch size.",
    )


# Diverged


def test_a_run_that_diverges_keeps_its_last_good_checkpoint_to_go_on_from(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = held(store)
    fresh, states = TrainState.fresh, list[TrainState]()

    def fresh_and_seen(config: TrainConfig) -> TrainState:
        states.append(fresh(config))
        return states[-1]

    def overflow() -> None:
        with torch.no_grad():
            next(states[0].model.parameters()).fill_(math.inf)

    with monkeypatch.context() as patch:
        patch.setattr(saver, "SAVE_SECONDS", 0.0)
        patch.setattr(TrainState, "fresh", fresh_and_seen)
        diverged = train_run(store, run, at_step(7, overflow))
    assert (diverged.status, diverged.reason) == (
        RunStatus.DIVERGED,
        "Loss became NaN at step 8. Choose a lower learning rate.",
    )
    assert len(store.read_steps(run.id)) == diverged.progress.step == 8
    saved = checkpoint.load_latest(checkpoints_dir(run.id))
    assert saved
    assert saved.state.step == 6, "what the update of step 7 left is no checkpoint"
    assert all(bool(torch.isfinite(weight).all()) for weight in saved.state.model.parameters())

    child = lineage.fork(store, diverged, replace(CONFIG, lr=0.001), trainer=own_identity())
    forked = train_run(store, child)
    assert forked.status is RunStatus.COMPLETED
    assert forked.parent_step == saved.state.step
    assert all(math.isfinite(loss) for loss in store.read_steps(forked.id)["loss"])
    assert len(store.read_steps(forked.id)) == STEPS


# Checkpoints that are damaged, or ahead of the database


def interrupted_at(store: RunStore, step: int) -> Run:
    return train_run(store, held(store), at_step(step, lambda: os.kill(os.getpid(), signal.SIGTERM)))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(("damage", "said"), [(truncate, "it holds"), (flip_a_bit, "its checksum does not match")])
def test_a_damaged_checkpoint_is_passed_over_and_the_run_says_so(
    store: RunStore, whole: list[float], damage: Callable[[Path], None], said: str
) -> None:
    run = interrupted_at(store, 7)
    damage(list_checkpoints(checkpoints_dir(run.id))[7])
    resumed = resume(store, run)
    assert "step-00000007.ckpt is damaged: " in resumed.notice
    assert said in resumed.notice
    assert resumed.notice.endswith(" Went on from step 5 instead.")
    assert "Choose" not in resumed.notice
    assert_whole(store, resumed, whole)


def test_a_run_all_of_whose_checkpoints_are_damaged_fails_and_keeps_what_it_has(store: RunStore) -> None:
    run = interrupted_at(store, 7)
    for path in checkpoints_dir(run.id).iterdir():
        truncate(path)
    with pytest.raises(CheckpointError, match=r"No checkpoint in .* can be used\..*Start the run again as a new one\."):
        resume(store, run)
    failed = store.get_run(run.id)
    assert failed.status is RunStatus.FAILED
    assert failed.reason.startswith("No checkpoint in ")
    assert store.count_steps(run.id) == 7


def lose_after(store: RunStore, run: Run, step: int, *, evaluations_too: bool = True) -> None:
    """As a power cut does to the last commits, while checkpoints were forced onto the disk."""
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM step_chunks WHERE run_id = ? AND first_step > ?", (run.id, step))
        if evaluations_too:
            connection.exec_driver_sql("DELETE FROM evaluations WHERE run_id = ? AND step > ?", (run.id, step))


@pytest.mark.parametrize(("kept", "begins"), [(6, "Went on from step 5"), (4, "Began again")])
def test_a_checkpoint_ahead_of_the_database_is_passed_over(
    store: RunStore, whole: list[float], kept: int, begins: str
) -> None:
    run = interrupted_at(store, 7)
    lose_after(store, run, kept)
    resumed = resume(store, run)
    assert "step-00000007.ckpt is ahead of what was recorded of the run." in resumed.notice
    assert resumed.notice.endswith(f" {begins} instead.")
    assert_whole(store, resumed, whole)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_an_evaluation_that_was_lost_is_made_again(store: RunStore, whole: list[float], split: str) -> None:
    run = held(store)
    interrupted = train_run(
        store, run, lambda event: os.kill(os.getpid(), signal.SIGTERM) if event.step == STEPS else None
    )
    interrupted = resume_to_the_test(store, interrupted) if split == "test" else interrupted
    with store._engine.begin() as connection:
        connection.exec_driver_sql(
            "DELETE FROM evaluations WHERE run_id = ? AND step = ? AND split = ?", (run.id, STEPS, split)
        )
    assert_whole(store, resume(store, interrupted), whole)


def resume_to_the_test(store: RunStore, run: Run) -> Run:
    """Interrupted again, right after the test at the end."""
    store.queue_again(run.id)
    claimed = store.claim_run(run.id, own_identity(), 1)
    assert claimed
    return train_run(
        store,
        claimed,
        lambda event: os.kill(os.getpid(), signal.SIGTERM) if getattr(event, "split", "") == "test" else None,
    )


def test_a_run_that_goes_on_from_another_never_begins_anew_in_its_place(store: RunStore) -> None:
    parent = train_run(store, held(store))
    child = lineage.fork(store, parent, replace(CONFIG, epochs=3), trainer=own_identity())
    for path in checkpoints_dir(child.id).iterdir():
        path.unlink()
    with pytest.raises(CheckpointError, match="goes on from step 18 of another run, and that checkpoint is gone"):
        train_run(store, child)
    assert store.get_run(child.id).status is RunStatus.FAILED
