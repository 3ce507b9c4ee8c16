"""Files saved before the store recorded files: their content must prove whose they are."""

import io
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import torch

from mnist_core.checkpoints.envelope import seal
from mnist_core.checkpoints.index import checkpoints_dir, model_path
from mnist_core.errors import CheckpointError, ExportError
from mnist_core.exports.export_worker import export
from mnist_core.exports.weights import load_model
from mnist_core.records import Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from tests.runs.restored import Restored
from tests.support.factories import purge_until
from tests.support.training import STEPS, resume

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")


def as_before(store: RunStore, run: Run) -> dict[str, Path]:
    """Move the files of a run to where they were before runs had identities, and list them as the migration does."""
    folder, model = checkpoints_dir(run).with_name(f"run-{run.id}"), model_path(run).with_name(f"run-{run.id}.pt")
    shutil.rmtree(folder, ignore_errors=True)
    checkpoints_dir(run).rename(folder)
    model_path(run).rename(model)
    with store._engine.begin() as connection:
        for new, old in ((checkpoints_dir(run).name, folder.name), (model_path(run).name, model.name)):
            connection.exec_driver_sql(
                "UPDATE run_files SET path = replace(path, ?, ?), sha256 = '' WHERE run_id = ?", (new, old, run.id)
            )
    return {"folder": folder, "model": model}


def test_older_files_that_prove_to_be_a_runs_own_still_work(restored: Restored) -> None:
    store, run = restored.store, restored.store.queries.get_run(1)
    expected = restored.weights(run)
    files = as_before(store, run)
    assert restored.weights(run) == expected
    longer = train_run(store, lineage.fork(store, run, lineage.with_more_epochs(run, 1), trainer=own_identity()))
    assert (longer.status, longer.progress.step) == (RunStatus.COMPLETED, 27)
    store.commands.delete_runs([run.id])
    assert purge_until(store, datetime.now(UTC) + timedelta(days=31)) == [run.id]
    assert not any(path.exists() for path in files.values())


def test_an_interrupted_run_resumes_from_an_older_checkpoint(restored: Restored) -> None:
    store, run = restored.store, restored.store.queries.get_run(1)
    expected = restored.weights(run)
    as_before(store, run)
    for path in checkpoints_dir(run).with_name("run-1").glob(f"*{STEPS}.ckpt"):
        path.unlink()
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET status = 'interrupted' WHERE id = 1")
    resumed = resume(store, run)
    assert (resumed.status, resumed.notice) == (RunStatus.COMPLETED, "")
    assert len(store.queries.read_steps(1)) == STEPS
    assert restored.weights(resumed) == expected


def test_older_files_of_a_forgotten_run_are_refused_and_kept(
    restored: Restored, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, run = restored.store, restored.store.queries.get_run(1)
    files = as_before(store, run)
    for path in files["folder"].iterdir():
        other = checkpoints_dir(restored.forgotten) / path.name
        shutil.copyfile(other if other.exists() else next(checkpoints_dir(restored.forgotten).iterdir()), path)
    shutil.copyfile(model_path(restored.forgotten), files["model"])
    refused = (
        r"step-00000018.ckpt does not match what run-1 recorded, so another run may have saved it\. Choose another"
    )
    with pytest.raises(CheckpointError, match=refused):
        export(store.queries, [run], "state-dict", tmp_path / "w")
    with pytest.raises(CheckpointError, match=refused):
        lineage.fork(store, run, lineage.with_more_epochs(run, 1))
    store.commands.delete_runs([run.id])
    purge_until(store, datetime.now(UTC) + timedelta(days=31))
    assert "run-1.pt is not what deleted run run-1 saved there. It is kept." in caplog.text
    assert files["model"].exists()
    assert (files["folder"] / "step-00000018.ckpt").exists()


def test_an_older_model_without_a_checkpoint_proves_nothing(restored: Restored) -> None:
    store, run = restored.store, restored.store.queries.get_run(1)
    files = as_before(store, run)
    shutil.rmtree(files["folder"])
    with store._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM run_files WHERE kind <> 'model'")
    with pytest.raises(ExportError, match=r"run-1\.pt may be another run's: .* Use the file itself if you know whose"):
        load_model(store.queries, run)


def test_code_in_an_older_checkpoint_is_not_executed(restored: Restored, tmp_path: Path) -> None:
    class Code:
        def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
            return Path.mkdir, (tmp_path / "made by the code",)

    store, run = restored.store, restored.store.queries.get_run(1)
    files, content = as_before(store, run), io.BytesIO()
    torch.save({"tensors": {}, "facts": Code()}, content)
    (files["folder"] / "step-00000018.ckpt").write_bytes(seal(content.getvalue()))
    with pytest.raises(CheckpointError, match="does not hold what a checkpoint holds"):
        lineage.fork(store, run, lineage.with_more_epochs(run, 1))
    assert not (tmp_path / "made by the code").exists()
