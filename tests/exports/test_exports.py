"""Exports are read back by the programs that they are for."""

import io
import json
import os
import subprocess
import sys
import threading
import time
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from mnist_core.analysis.smoothing import adapted_smoothing, exponential_averages
from mnist_core.config import MODELS, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import ExportError
from mnist_core.exports import server_exports
from mnist_core.exports.export_worker import export
from mnist_core.exports.formats import FORMATS, file_name
from mnist_core.exports.weights import load_model
from mnist_core.records import Run, RunStatus, StepMetrics
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from mnist_core.training.batches import PIXEL_MEAN, PIXEL_STD
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState
from tests.support.factories import finished_run, seed_runs
from tests.support.run_files import give_model
from tests.support.strict_json import parse_json

Step = Callable[..., StepMetrics]
CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, epochs=1, device="cpu")


@pytest.fixture
def trained(store: RunStore, small_mnist: Dataset, signals_restored: None) -> Run:
    return train_run(store, store.commands.create_run(CONFIG, trainer=own_identity()))


# Weights


def log_probabilities(store: RunStore, run: Run, digits: Dataset) -> np.ndarray:
    images = torch.as_tensor(digits.test.images).float().unsqueeze(1)
    with torch.inference_mode():
        answer: np.ndarray = load_model(store.queries, run)((images / 255 - PIXEL_MEAN) / PIXEL_STD).numpy()
    return answer


def test_weights_are_those_of_the_last_checkpoint(
    store: RunStore, trained: Run, small_mnist: Dataset, tmp_path: Path
) -> None:
    export(store.queries, [trained], "safetensors", tmp_path / "w.safetensors")
    export(store.queries, [trained], "state-dict", tmp_path / "w.pt")
    expected = load_model(store.queries, trained).state_dict()
    for read in (load_file(tmp_path / "w.safetensors"), torch.load(tmp_path / "w.pt", weights_only=True)):
        assert read.keys() == expected.keys()
        assert all(torch.equal(read[name], weight) for name, weight in expected.items())
    predicted = log_probabilities(store, trained, small_mnist).argmax(1)
    assert predicted.tolist() == store.queries.list_evaluations(trained.id)[-1].predictions.tolist()


def test_a_saved_model_takes_precedence_over_checkpoints(store: RunStore, trained: Run) -> None:
    weights = {
        name: torch.ones_like(weight) for name, weight in load_model(store.queries, trained).state_dict().items()
    }
    content = io.BytesIO()
    torch.save(weights, content)
    path = give_model(store, trained, content.getvalue())
    assert all(bool((weight == 1).all()) for weight in load_model(store.queries, trained).state_dict().values())
    path.write_bytes(b"damaged")
    with pytest.raises(
        ExportError, match=rf"Model .*{path.name} has changed since {trained.name} saved it\. Move it away"
    ):
        load_model(store.queries, trained)


def test_a_model_of_a_network_that_has_changed_since_is_refused(store: RunStore, trained: Run) -> None:
    content = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2).state_dict(), content)
    give_model(store, trained, content.getvalue())
    with pytest.raises(
        ExportError, match=rf"does not fit the network {trained.config.model}\. Train {trained.name} again"
    ):
        load_model(store.queries, trained)


def test_a_run_without_weights_is_refused(store: RunStore, tmp_path: Path) -> None:
    run = finished_run(store)
    with pytest.raises(ExportError, match="run-1 has no weights: neither a saved model nor a checkpoint"):
        export(store.queries, [run], "safetensors", tmp_path / "w")
    assert list(tmp_path.glob("*")) == []


@pytest.mark.fault
@pytest.mark.parametrize("model", MODELS)
def test_onnx_runtime_agrees_with_the_network(store: RunStore, digits: Dataset, tmp_path: Path, model: str) -> None:
    import onnxruntime  # slow to import, and only this test needs it

    run = finished_run(store, TrainConfig(model=model))
    state = TrainState.initial(run.config)
    next(train(run.config, digits, state=state))  # batch normalisation now has statistics
    content = io.BytesIO()
    torch.save(state.model.state_dict(), content)
    give_model(store, run, content.getvalue())
    export(store.queries, [run], "onnx", tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    pixels = digits.test.images.astype(np.float32)[:, None]
    for images in (pixels, pixels[:1]):
        (answer,) = session.run(["log_probabilities"], {"pixels": images})
        np.testing.assert_allclose(answer, log_probabilities(store, run, digits)[: len(images)], rtol=0, atol=1e-5)


def test_weights_of_several_runs_are_zipped(store: RunStore, trained: Run, tmp_path: Path) -> None:
    again = train_run(store, store.commands.create_run(CONFIG, trainer=own_identity()))
    export(store.queries, [trained, again], "safetensors", tmp_path / "w.zip")
    assert zipfile.ZipFile(tmp_path / "w.zip").namelist() == ["run-1.safetensors", "run-2.safetensors"]
    assert file_name("safetensors", [trained, again]) == "2-runs-safetensors.zip"


# Report


def test_a_report_is_self_contained_and_shows_names_as_text(store: RunStore, tmp_path: Path) -> None:
    run = finished_run(store, name="</script><script>alert(1)</script>")
    store.commands.edit_run(run.id, notes="<img src=x onerror=alert(2)>")
    export(store.queries, store.queries.list_runs(), "report", tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert page.count("<script") == page.count("</script>") == 3
    assert "alert(1)" in page
    assert "</script><script>alert" not in page
    assert "<img src=x" not in page
    for address in ('src="http', "src='http", 'href="http', "url(http", "@import"):
        assert address not in page.replace(page.split("<script>")[1], "")
    content = page.split('type="application/json" id="content">')[1].split("</script>")[0]
    assert json.loads(content)["runs"][0]["name"] == run.name


def test_a_long_curve_is_reduced_in_a_report(store: RunStore, a_step: Step, tmp_path: Path) -> None:
    run = finished_run(store, steps=[a_step(step, loss=step) for step in range(1, 1502)])
    export(store.queries, store.queries.list_runs(), "report", tmp_path / "r.html")
    content = (tmp_path / "r.html").read_text().split('id="content">')[1].split("</script>")[0]
    curve = json.loads(content)["runs"][0]["curves"]["loss"]
    assert (curve["step"][0], curve["low"][0], curve["high"][0]) == (3, 1, 3)
    assert (curve["step"][-1], curve["low"][-1], curve["high"][-1]) == (1501, 1501, 1501)
    smoothed = exponential_averages(np.arange(1, 1502.0), adapted_smoothing(run.total_steps))[-1]
    assert curve["smooth"][-1] == pytest.approx(smoothed, rel=1e-5)


def test_a_report_leaves_losses_that_are_not_finite_out_of_its_averages(
    store: RunStore, a_step: Step, tmp_path: Path
) -> None:
    bad = [float("inf"), float("-inf"), float("nan"), sys.float_info.max, sys.float_info.max]
    losses = [*bad, 1.0, *[float("nan")] * 3, *[2.0] * 1500]
    finished_run(store, steps=[a_step(step, loss) for step, loss in enumerate(losses, 1)], test_loss=float("inf"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(store.queries, store.queries.list_runs(), "report", tmp_path / "r.html")
    content = (tmp_path / "r.html").read_text().split('id="content">')[1].split("</script>")[0]
    (run,) = parse_json(content)["runs"]
    curve = run["curves"]["loss"]
    assert (curve["low"][:4], curve["smooth"][0], curve["smooth"][2]) == ([None, 1, None, 2], None, None)
    assert (run["evaluations"][-1]["loss"], run["facts"]["Test loss"]) == (None, "–")


def test_a_report_has_settings_matrix_changes_and_environment_as_pages_show_them(
    store: RunStore, tmp_path: Path
) -> None:
    run = finished_run(store, TrainConfig(lr=0.02, optimizer="adam"), right=range(984))
    export(store.queries, [run], "report", tmp_path / "r.html")
    report = parse_json((tmp_path / "r.html").read_text().split('id="content">')[1].split("</script>")[0])
    (shown,) = report["runs"]
    assert (shown["settings"]["Learning rate"], shown["settings"]["Optimizer"]) == ("0.02", "Adam")
    assert shown["settings"]["Batch size"] == "64\u202fimages"
    assert shown["facts"]["Test accuracy"] == "98.40\u202f%"
    assert shown["matrix"]["title"] == "Confusion matrix: test images after step 5"
    assert shown["environment"]["Packages"] == "torch 2.14.1"
    assert report["verdict"] is None
    assert f"weight {adapted_smoothing(run.total_steps)} of the past" in report["key"]


def test_a_report_on_several_runs_has_the_verdict_with_groups_called_by_what_differs(
    store: RunStore, tmp_path: Path
) -> None:
    seed_runs(store, 0.1, [950, 951, 953])
    seed_runs(store, 0.01, [900, 902, 903])
    export(store.queries, store.queries.list_runs(), "report", tmp_path / "r.html")
    report = parse_json((tmp_path / "r.html").read_text().split('id="content">')[1].split("</script>")[0])
    assert report["verdict"]["sentence"].startswith("“lr 0.1, 3 seeds” is better than “lr 0.01, 3 seeds”")
    assert report["table"]["titles"][3:5] == ["Learning rate", "Seed"]
    assert sum(report["table"]["best"]) == 1


def test_a_report_on_runs_that_cannot_be_compared_says_why(store: RunStore, tmp_path: Path) -> None:
    finished_run(store)
    finished_run(store, dataset="Fashion-MNIST")
    export(store.queries, store.queries.list_runs(), "report", tmp_path / "r.html")
    report = parse_json((tmp_path / "r.html").read_text().split('id="content">')[1].split("</script>")[0])
    assert report["verdict"]["sentence"].startswith("There is no verdict. ")


# Exports on the server


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


@pytest.mark.parametrize(
    "name", [name if name != "onnx" else pytest.param(name, marks=pytest.mark.fault) for name in FORMATS]
)
def test_an_export_that_cannot_be_written_leaves_nothing_behind(
    store: RunStore, trained: Run, tmp_path: Path, name: str
) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(ExportError, match="taken cannot be written"):
        export(store.queries, [trained], name, tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]


def test_nothing_and_unknown_formats_are_refused(store: RunStore, recorded: Run, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="There are no runs to export"):
        export(store.queries, [], "csv", tmp_path / "t.csv")
    with pytest.raises(ExportError, match=r"There is no format 'xls'\. Choose one of csv, parquet"):
        export(store.queries, [recorded], "xls", tmp_path / "t.xls")


def test_a_file_is_named_after_its_run_without_unsafe_characters(store: RunStore) -> None:
    assert file_name("csv", [finished_run(store, name="../../etc/pass wd")]) == "etc-pass-wd-csv.csv"
    assert file_name("csv", [finished_run(store, name="***")]) == "run-csv.csv"


def test_a_run_in_progress_has_no_archive(store: RunStore, tmp_path: Path) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    assert run.status is RunStatus.PREPARING
    with pytest.raises(ExportError, match=r"run-1 is preparing\. Export it when it has ended"):
        export(store.queries, [run], "archive", tmp_path / "a.zip")


@pytest.mark.parametrize("letter", ["\u795e", "\U0001f600", "a", "\u0915\u093e", "e\u0301\u0323"])
def test_a_file_named_after_a_long_name_fits_every_file_system(store: RunStore, tmp_path: Path, letter: str) -> None:
    run = finished_run(store, name=(letter * 80)[:80])
    name = file_name("curves-parquet", [run])
    assert len(name.encode()) < 200
    assert name.encode().decode() == name
    export(store.queries, [run], "curves-parquet", tmp_path / name)


def test_a_name_is_cut_between_letters_not_before_their_marks(store: RunStore) -> None:
    stem = file_name("csv", [finished_run(store, name="\u0915\u093f" * 40)]).removesuffix("-csv.csv")
    assert stem == "\u0915\u093f" * 25


@pytest.mark.parametrize("name", ["con", "NUL.x", "Com1.tar"])
def test_a_file_is_not_named_like_a_device(store: RunStore, name: str) -> None:
    assert file_name("csv", [finished_run(store, name=name)]) == f"run-{name}-csv.csv"


@pytest.mark.parametrize("notes", ["/* report.js */", "/* report.json */ /* plotly.min.js */", "\\1 \\g<0>"])
def test_notes_that_look_like_a_part_of_the_report_are_only_notes(store: RunStore, tmp_path: Path, notes: str) -> None:
    run = store.commands.edit_run(finished_run(store).id, notes=notes)
    export(store.queries, [run], "report", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    content = text.split('id="content">')[1].split("</script>")[0]
    assert json.loads(content)["runs"][0]["notes"] == notes
    assert text.count("content.runs.forEach(drawRun);") == 1
