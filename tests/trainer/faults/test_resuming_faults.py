"""Runs resumed from checkpoints that are damaged, or ahead of the database."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints
from mnist_core.errors import CheckpointError
from mnist_core.records import Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from tests.support.training import CONFIG, STEPS, act_at_step, assert_undisturbed, claimed_run, resume

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("signals_restored", "small_mnist", "commit_every_event")]


def interrupted_at(store: RunStore, step: int) -> Run:
    return train_run(store, claimed_run(store), act_at_step(step, lambda: os.kill(os.getpid(), signal.SIGTERM)))


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(("damage", "problem"), [(truncate, "it holds"), (flip_a_bit, "its checksum does not match")])
def test_a_damaged_checkpoint_is_skipped_with_a_notice(
    store: RunStore, damage: Callable[[Path], None], problem: str
) -> None:
    run = interrupted_at(store, 7)
    damage(list_checkpoints(checkpoints_dir(run))[7])
    resumed = resume(store, run)
    assert "step-00000007.ckpt is damaged: " in resumed.notice
    assert problem in resumed.notice
    assert resumed.notice.endswith(" Continued from step 5 instead.")
    assert "Choose" not in resumed.notice
    assert_undisturbed(store, resumed)


def test_a_run_whose_checkpoints_are_all_damaged_fails_and_keeps_its_steps(store: RunStore) -> None:
    run = interrupted_at(store, 7)
    for path in checkpoints_dir(run).iterdir():
        truncate(path)
    with pytest.raises(CheckpointError, match=r"No checkpoint in .* can be used\..*Start the run again as a new one\."):
        resume(store, run)
    failed = store.queries.get_run(run.id)
    assert failed.status is RunStatus.FAILED
    assert failed.reason.startswith("No checkpoint in ")
    assert store.queries.count_steps(run.id) == 7


def lose_after(store: RunStore, run: Run, step: int, *, evaluations_too: bool = True) -> None:
    """Delete the last commits, as a power cut does while checkpoints were flushed to the disk."""
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM step_chunks WHERE run_id = ? AND first_step > ?", (run.id, step))
        if evaluations_too:
            connection.exec_driver_sql("DELETE FROM evaluations WHERE run_id = ? AND step > ?", (run.id, step))


@pytest.mark.parametrize(("kept", "begins"), [(6, "Continued from step 5"), (4, "Began again")])
def test_a_checkpoint_ahead_of_the_database_is_skipped(store: RunStore, kept: int, begins: str) -> None:
    run = interrupted_at(store, 7)
    lose_after(store, run, kept)
    resumed = resume(store, run)
    assert "step-00000007.ckpt is ahead of what was recorded of the run." in resumed.notice
    assert resumed.notice.endswith(f" {begins} instead.")
    assert_undisturbed(store, resumed)


@pytest.mark.parametrize("split", ["validation", "test"])
def test_a_lost_evaluation_is_repeated(store: RunStore, split: str) -> None:
    run = claimed_run(store)
    interrupted = train_run(
        store, run, lambda event: os.kill(os.getpid(), signal.SIGTERM) if event.step == STEPS else None
    )
    interrupted = resume_to_the_test(store, interrupted) if split == "test" else interrupted
    with store._engine.begin() as connection:
        connection.exec_driver_sql(
            "DELETE FROM evaluations WHERE run_id = ? AND step = ? AND split = ?", (run.id, STEPS, split)
        )
    assert_undisturbed(store, resume(store, interrupted))


def resume_to_the_test(store: RunStore, run: Run) -> Run:
    """Resume a run and interrupt it right after the test at the end."""
    store.commands.requeue_run(run.id)
    claimed = store.trainer_writes.claim_run(run.id, own_identity(), 1)
    assert claimed
    return train_run(
        store,
        claimed,
        lambda event: os.kill(os.getpid(), signal.SIGTERM) if getattr(event, "split", "") == "test" else None,
    )


def test_a_run_that_continues_another_never_starts_from_scratch(store: RunStore) -> None:
    parent = train_run(store, claimed_run(store))
    child = lineage.fork(store, parent, replace(CONFIG, epochs=3), trainer=own_identity())
    for path in checkpoints_dir(child).iterdir():
        path.unlink()
    with pytest.raises(CheckpointError, match="continues another run from step 18, and that checkpoint is gone"):
        train_run(store, child)
    assert store.queries.get_run(child.id).status is RunStatus.FAILED
