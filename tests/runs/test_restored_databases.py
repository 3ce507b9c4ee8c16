"""A database restored from a backup gives run numbers away again: no run gets the files of a forgotten one.

Every test begins with a run 2 that the restored database has forgotten, and whose files are still there.
"""

import dataclasses
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints, model_path
from mnist_core.errors import CheckpointError, ExportError, RunStateError, StaleAttemptError
from mnist_core.exports import archive
from mnist_core.exports.export_worker import export
from mnist_core.records import Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.store import RunStore
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from tests.runs.restored import Restored
from tests.support.factories import purge_until
from tests.support.training import CONFIG, STEPS, claimed_run, load_newest, resume

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

SAVING = dataclasses.replace(CONFIG, save_model=True)


def restore(store: RunStore, backup: Path, places: Path) -> RunStore:
    store.close()
    for path in (places / "runs").glob(f"{DATABASE_NAME}*"):
        path.unlink()
    shutil.copyfile(backup, places / "runs" / DATABASE_NAME)
    return RunStore.open(places / "runs")


def test_an_imported_run_gets_none_of_them(restored: Restored, tmp_path: Path) -> None:
    store = restored.store
    (imported,) = archive.import_archive(store, restored.archive)
    assert (imported.id, imported.name) == (restored.forgotten.id, "run-1-2")
    assert lineage.fork_points(store.queries, imported) == {}
    with pytest.raises(ExportError, match="has no weights"):
        export(store.queries, [imported], "safetensors", tmp_path / "w")
    with pytest.raises(RunStateError, match="has no checkpoint to continue from"):
        lineage.fork(store, imported, lineage.with_more_epochs(imported, 1))
    restored.assert_forgotten_files_are_untouched()


def test_a_new_run_trains_from_the_start_and_leaves_them_alone(restored: Restored) -> None:
    store = restored.store
    new = train_run(store, claimed_run(store, SAVING))
    assert (new.id, new.notice) == (restored.forgotten.id, "")
    assert restored.weights(new) == restored.weights(store.queries.get_run(1))
    assert set(lineage.fork_points(store.queries, new)) >= {14, STEPS}
    restored.assert_forgotten_files_are_untouched()


@pytest.mark.parametrize("act", [lineage.repeat, lambda store, run: lineage.fork(store, run, run.config, step=14)])
def test_a_run_made_from_another_leaves_them_alone(restored: Restored, act: Callable[[RunStore, Run], Run]) -> None:
    made = act(restored.store, restored.store.queries.get_run(1))
    claimed = restored.store.trainer_writes.claim_run(made.id, own_identity(), 1)
    assert claimed
    trained = train_run(restored.store, claimed)
    assert (trained.id, trained.status, trained.notice) == (2, RunStatus.COMPLETED, "")
    assert restored.weights(trained) == restored.weights(restored.store.queries.get_run(1))
    restored.assert_forgotten_files_are_untouched()


def test_a_deleted_run_takes_only_its_own_files_along(restored: Restored) -> None:
    store = restored.store
    new = train_run(store, claimed_run(store, SAVING))
    store.commands.delete_runs([new.id])
    assert purge_until(store, datetime.now(UTC) + timedelta(days=31)) == [new.id]
    assert not checkpoints_dir(new).exists()
    assert not model_path(new).exists()
    restored.assert_forgotten_files_are_untouched()


def test_a_trainer_of_a_forgotten_run_cannot_write_into_the_new_one(restored: Restored) -> None:
    claimed_run(restored.store, SAVING)
    with pytest.raises(StaleAttemptError):
        restored.store.trainer_writes.heartbeat(restored.forgotten)


# The same run, as an older backup knows it


@pytest.mark.parametrize("kind", ["checkpoint", "model"])
def test_a_file_exchanged_for_another_run_s_is_refused(restored: Restored, tmp_path: Path, kind: str) -> None:
    store, run = restored.store, restored.store.queries.get_run(1)
    foreign = restored.forgotten
    if kind == "model":
        shutil.copyfile(model_path(foreign), model_path(run))
        with pytest.raises(
            ExportError, match=rf"Model .*{model_path(run).name} has changed since run-1 saved it\. Move"
        ):
            export(store.queries, [run], "state-dict", tmp_path / "w")
        model_path(run).unlink()
        assert restored.weights(run)
        return
    path = list_checkpoints(checkpoints_dir(run))[STEPS]
    shutil.copyfile(list_checkpoints(checkpoints_dir(foreign))[STEPS], path)
    problem = rf"{path.name} has changed since run-1 saved it\. Choose another checkpoint"
    with pytest.raises(CheckpointError, match=problem):
        lineage.fork(store, run, lineage.with_more_epochs(run, 1))
    model_path(run).unlink()
    with pytest.raises(CheckpointError, match=problem):
        export(store.queries, [run], "onnx", tmp_path / "w")
    path.unlink()
    with pytest.raises(CheckpointError, match=rf"{path.name} does not exist"):  # the one before holds other weights
        export(store.queries, [run], "onnx", tmp_path / "w")
    assert len(store.queries.list_runs()) == 1


def test_what_a_run_saved_in_a_forgotten_future_is_neither_used_nor_lost(places: Path, tmp_path: Path) -> None:
    """A run that waits in the backup has ended since, so its own places are taken by files that are not recorded."""
    store = RunStore.open(places / "runs")
    waiting = store.commands.create_run(SAVING)
    store.copy_to(tmp_path / "backup.sqlite")
    claimed = store.trainer_writes.claim_run(waiting.id, own_identity(), 1)
    assert claimed
    ended = train_run(store, claimed)
    saved = {path.name: path.read_bytes() for path in [*checkpoints_dir(ended).iterdir(), model_path(ended)]}
    store = restore(store, tmp_path / "backup.sqlite", places)
    assert lineage.fork_points(store.queries, store.queries.get_run(waiting.id)) == {}
    again = store.trainer_writes.claim_run(waiting.id, own_identity(), 1)
    assert again
    trained = train_run(store, again)
    assert trained.status is RunStatus.COMPLETED
    assert "that this run did not save, or that has changed, is kept as" in trained.notice
    folders = (checkpoints_dir(trained), model_path(trained).parent)
    kept = {path.name: path.read_bytes() for folder in folders for path in folder.glob("*.set-aside-1")}
    assert kept == {f"{name}.set-aside-1": content for name, content in saved.items()}
    assert load_newest(checkpoints_dir(trained)).state.step == STEPS
    store.close()


def test_an_exchanged_checkpoint_is_skipped_and_kept_when_a_run_is_resumed(restored: Restored) -> None:
    store = restored.store
    run = train_run(store, claimed_run(store, SAVING))
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET status = 'interrupted' WHERE id = ?", (run.id,))
    path = list_checkpoints(checkpoints_dir(run))[STEPS]
    shutil.copyfile(list_checkpoints(checkpoints_dir(restored.forgotten))[STEPS], path)
    resumed = resume(store, run)
    assert f"{path.name} has changed since run-2 saved it." in resumed.notice
    assert resumed.notice.endswith(f"{path.name}.set-aside-1. Continued from step 14 instead.")
    assert restored.weights(resumed) == restored.weights(store.queries.get_run(1))
