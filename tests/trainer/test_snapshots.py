"""Snapshots of a run: kept as planned, verified like checkpoints, never resumed from, never a reason to end a run."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import torch

from mnist_core.checkpoints import files
from mnist_core.checkpoints.files import load, load_network
from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints
from mnist_core.checkpoints.ownership import check_checkpoint, newest_checkpoint, recorded_checkpoints
from mnist_core.data.datasets import Dataset
from mnist_core.errors import CheckpointError
from mnist_core.records import FileKind, Run, RunStatus, TrialRole
from mnist_core.runs.lineage import fork_points
from mnist_core.store import RunStore
from mnist_core.system.atomic_files import write_atomically
from mnist_core.system.processes import own_identity
from mnist_core.trainer.preparation import prepare_start
from mnist_core.trainer.worker import train_run
from tests.support.factories import purge_until
from tests.support.scripted_trials import claim
from tests.support.training import CONFIG, act_at_step, assert_undisturbed, claimed_run, resume

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist", "commit_every_event")

STEPS = [1, 2, 3, 4, 5, 6, 9, 11, 14, 18]


def snapshots(run: Run) -> dict[int, Path]:
    return list_checkpoints(checkpoints_dir(run), FileKind.SNAPSHOT)


def test_a_run_keeps_its_weights_at_the_planned_steps(store: RunStore) -> None:
    run = train_run(store, claimed_run(store))
    assert list(snapshots(run)) == STEPS
    assert list(recorded_checkpoints(store.queries, run, FileKind.SNAPSHOT)) == STEPS
    check = partial(check_checkpoint, store.queries, run)
    first, last = (load_network(path, check) for path in (snapshots(run)[1], snapshots(run)[18]))
    assert (first.step, last.step, last.dataset, last.config) == (1, 18, "MNIST", run.config)
    newest = load(list_checkpoints(checkpoints_dir(run))[18]).state.model.state_dict()
    assert all(torch.equal(tensor, newest[name]) for name, tensor in last.model.state_dict().items())
    assert not last.model.training


def test_trials_keep_no_snapshots(store: RunStore) -> None:
    sweep = claim(store)
    trial = store.sweeps.add_trial(sweep, TrialRole.SEARCH, {"lr": 0.01}, {})
    config = replace(CONFIG, skip_test=True)
    run = store.sweeps.begin_run(sweep.id, trial.number, attempt=1, config=config, trainer=own_identity(), name="")
    assert run
    trained = train_run(store, run)
    assert (snapshots(trained), trained.status) == ({}, RunStatus.COMPLETED)
    assert list_checkpoints(checkpoints_dir(trained)), "it can still be continued and asked"


@pytest.mark.fault
@pytest.mark.parametrize("stopped_after", [1, 7, 9])
def test_a_resumed_run_keeps_the_same_snapshots(store: RunStore, stopped_after: int) -> None:
    stop = act_at_step(stopped_after, lambda: os.kill(os.getpid(), signal.SIGTERM))
    interrupted = train_run(store, claimed_run(store), stop)
    resumed = resume(store, interrupted)
    assert_undisturbed(store, resumed)
    assert list(snapshots(resumed)) == STEPS
    assert not list(checkpoints_dir(resumed).glob("*.set-aside-*"))


def test_snapshots_of_steps_that_are_trained_again_are_no_strangers_to_the_next_attempt(
    store: RunStore, small_mnist: Dataset
) -> None:
    stop = act_at_step(7, lambda: os.kill(os.getpid(), signal.SIGTERM))
    run = train_run(store, claimed_run(store), stop)
    list_checkpoints(checkpoints_dir(run))[7].unlink()
    for _attempt in range(2):  # the first is killed before it has saved anything
        store.commands.interrupt_run(store.queries.get_run(run.id), "Killed.")
        store.commands.requeue_run(run.id)
        claimed = store.trainer_writes.claim_run(run.id, own_identity(), 1)
        assert claimed
        state, _run = prepare_start(store, claimed, small_mnist)
        assert state.step == 5
        assert list(snapshots(run)) == [1, 2, 3, 4, 5]
        assert not list(checkpoints_dir(run).glob("*.set-aside-*"))


def test_no_run_continues_from_a_snapshot(store: RunStore) -> None:
    run = train_run(store, claimed_run(store))
    path = snapshots(run)[18]
    with pytest.raises(CheckpointError, match="holds weights that do not fit the network"):
        load(path)
    assert list(fork_points(store.queries, run)) == [9, 14, 18]
    for kind in (FileKind.STEP, FileKind.BEST):
        for checkpoint in recorded_checkpoints(store.queries, run, kind).values():
            checkpoint.unlink()
    newest = newest_checkpoint(store.queries, run)
    assert newest is not None
    assert newest.name == "step-00000018.ckpt"  # gone, and no snapshot stands in for it


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), PermissionError(13, "Permission denied")])
def test_a_snapshot_that_cannot_be_saved_is_left_out(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: OSError
) -> None:
    def refuse_some(path: Path, content: bytes, *, confirm: Callable[[], object]) -> None:
        if path.name in ("snapshot-00000003.ckpt", "snapshot-00000018.ckpt"):
            raise error
        write_atomically(path, content, confirm=confirm)

    monkeypatch.setattr(files, "write_atomically", refuse_some)
    run = train_run(store, claimed_run(store))
    assert run.status is RunStatus.COMPLETED
    assert list(snapshots(run)) == [step for step in STEPS if step not in (3, 18)]
    assert caplog.text.count("The run goes on without this snapshot.") == 2


def test_a_purged_run_leaves_no_snapshot(store: RunStore) -> None:
    run = train_run(store, claimed_run(store, replace(CONFIG, epochs=1)))
    folder = checkpoints_dir(run)
    assert snapshots(run)
    store.commands.delete_runs([run.id])
    assert purge_until(store, datetime.now(UTC) + timedelta(days=40)) == [run.id]
    assert not folder.exists()
