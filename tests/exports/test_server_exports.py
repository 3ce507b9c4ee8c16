"""Exports made by the server: where they are kept, for how long, and how many at once."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pandas as pd
import pytest
from safetensors.torch import load_file

from mnist_core.config import TrainConfig
from mnist_core.errors import ExportError
from mnist_core.exports import server_exports
from mnist_core.exports.weights import load_model
from mnist_core.records import Run
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import own_identity
from tests.support.factories import finished_run


@pytest.mark.fault
def test_the_server_exports_weights_in_a_worker_process(
    store: RunStore, trained: Run, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(places)
    path = RunActions(store).export([trained.id], "safetensors")
    assert path.name == "run-1-safetensors.safetensors"
    assert path.parent.parent == places / "runs" / "exports"
    assert load_file(path).keys() == load_model(store.queries, trained).state_dict().keys()
    with pytest.raises(ExportError, match="run-2 has no weights: neither a saved model nor a checkpoint"):
        RunActions(store).export([finished_run(store).id], "safetensors")


def test_exports_of_different_runs_do_not_overwrite_each_other(store: RunStore, places: Path) -> None:
    for name in "abcd":
        finished_run(store, name=name)
    first, second = RunActions(store).export([1, 2], "csv"), RunActions(store).export([3, 4], "csv")
    assert first.name == second.name == "2-runs-csv.csv"
    assert [pd.read_csv(path)["Run"].tolist() for path in (first, second)] == [["a", "b"], ["c", "d"]]


def test_exports_are_kept_for_a_day(store: RunStore, places: Path) -> None:
    run = finished_run(store)
    old, recent = RunActions(store).export([run.id], "csv").parent, RunActions(store).export([run.id], "csv").parent
    by_hand = old.with_name("left-by-an-older-version.csv")
    by_hand.touch()
    now = time.time()
    for path, age in ((old, 1.01), (by_hand, 1.01), (recent, 0.99)):
        os.utime(path, (now, now - age * server_exports.EXPORT_RETENTION.total_seconds()))
    new = RunActions(store).export([run.id], "csv").parent
    assert set(old.parent.iterdir()) == {recent, new}


def test_the_oldest_exports_make_room(store: RunStore, places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished_run(store)
    paths = [RunActions(store).export([run.id], "csv") for _ in range(3)]
    now = time.time()
    for age, path in enumerate(reversed(paths)):
        os.utime(path.parent, (now, now - age))
    monkeypatch.setattr(server_exports, "MAX_EXPORTS_BYTES", 2 * paths[0].stat().st_size)
    new = RunActions(store).export([run.id], "csv")
    assert {path.name for path in server_exports.exports_dir().iterdir()} == {
        path.parent.name for path in [*paths[1:], new]
    }


def test_few_exports_are_written_at_once(store: RunStore, places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished_run(store)
    monkeypatch.setattr(server_exports, "_turns", threading.BoundedSemaphore(1))
    attempts: list[str] = []

    def write(*_arguments: object) -> None:
        try:
            RunActions(store).export([run.id], "csv")
        except ExportError as error:
            attempts.append(str(error))
        raise ExportError("ends here")

    with monkeypatch.context() as patch:
        patch.setattr(server_exports, "write_file", write)
        with pytest.raises(ExportError, match="ends here"):
            RunActions(store).export([run.id], "csv")
    assert "other exports are being written" in attempts[0]
    assert RunActions(store).export([run.id], "csv").exists()


@pytest.mark.parametrize("name", ["archive", pytest.param("onnx", marks=pytest.mark.fault)])
def test_an_export_that_is_refused_leaves_no_folder_behind(store: RunStore, places: Path, name: str) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    with pytest.raises(ExportError):
        RunActions(store).export([run.id], name)
    assert not list((places / "runs" / "exports").glob("*"))


@pytest.mark.fault
def test_exporting_does_not_import_torch_in_the_server() -> None:
    code = "import sys, mnist_core.runs.actions; print('torch' in sys.modules, 'scipy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.stdout == "False False\n", ended.stderr
