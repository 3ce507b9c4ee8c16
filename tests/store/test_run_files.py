"""The files that the store records for a run."""

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import StaleAttemptError
from mnist_core.records import FileKind, Run, RunFile, RunStatus
from mnist_core.store import RunStore
from mnist_core.store.sql import REMEMBERED_STEPS
from mnist_core.system.processes import own_identity


def a_file(step: int, kind: FileKind = FileKind.STEP, sha256: str = "f" * 64) -> RunFile:
    return RunFile(f"checkpoints/run-1-x/{kind}-{step:08}.ckpt", kind, step, sha256)


@pytest.fixture
def run(store: RunStore) -> Run:
    return store.commands.create_run(TrainConfig(), trainer=own_identity())


def test_a_file_saved_again_keeps_its_earlier_hash_since_its_trainer_may_be_killed_before_it_is_replaced(
    store: RunStore, run: Run
) -> None:
    files = [a_file(5, sha256="a" * 64), a_file(5, sha256="b" * 64)]
    for file in files:
        assert store.trainer_writes.record_file(run, file) is RunStatus.PREPARING
    assert store.queries.list_files(run.id) == files


def test_files_of_early_steps_are_forgotten_and_the_best_is_kept(store: RunStore, run: Run) -> None:
    best, model = a_file(1, FileKind.BEST), RunFile("models/run-1-x.pt", FileKind.MODEL, 99, "f" * 64)
    older = [a_file(step, sha256="") for step in (1, 2)]  # from before the store recorded files
    for file in (*older, best, model, *(a_file(step) for step in range(1, 11))):
        store.trainer_writes.record_file(run, file)
    latest = [a_file(step) for step in range(11 - REMEMBERED_STEPS, 11)]
    assert store.queries.list_files(run.id) == [*older, best, model, *latest]


def test_a_run_that_goes_back_forgets_later_files(store: RunStore, run: Run) -> None:
    for step in (5, 9):
        store.trainer_writes.record_file(run, a_file(step))
    store.trainer_writes.rewind(run, 5, 0.0)
    assert store.queries.list_files(run.id) == [a_file(5)]


def test_runs_with_weights_are_listed_newest_first_without_the_bin(store: RunStore) -> None:
    runs = [store.commands.create_run(TrainConfig(), trainer=own_identity()) for _ in range(4)]
    for run in runs[:3]:
        store.trainer_writes.record_file(run, a_file(5))
        store.trainer_writes.record_file(run, a_file(9))
        store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    store.commands.delete_runs([2])
    assert store.queries.list_runs_with_weights() == {3: "run-3", 1: "run-1"}


def test_only_the_trainer_that_holds_a_run_records_files(store: RunStore, run: Run) -> None:
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    with pytest.raises(StaleAttemptError):
        store.trainer_writes.record_file(run, a_file(5))
    assert store.queries.list_files(run.id) == []


def test_the_files_of_a_purged_run_are_forgotten(store: RunStore, run: Run) -> None:
    store.trainer_writes.record_file(run, a_file(5))
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    store.commands.delete_runs([run.id])
    store.commands.purge_runs([run.id])
    assert store.queries.list_files(run.id) == []
