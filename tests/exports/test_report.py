"""The report: what it says, and how it shows what people wrote."""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_core.analysis.smoothing import adapted_smoothing, exponential_averages
from mnist_core.config import TrainConfig
from mnist_core.exports.export_worker import export
from mnist_core.records import StepMetrics
from mnist_core.store import RunStore
from tests.support.factories import finished_run, seed_runs
from tests.support.strict_json import parse_json

Step = Callable[..., StepMetrics]


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


@pytest.mark.parametrize("notes", ["/* report.js */", "/* report.json */ /* plotly.min.js */", "\\1 \\g<0>"])
def test_notes_that_look_like_a_part_of_the_report_are_only_notes(store: RunStore, tmp_path: Path, notes: str) -> None:
    run = store.commands.edit_run(finished_run(store).id, notes=notes)
    export(store.queries, [run], "report", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    content = text.split('id="content">')[1].split("</script>")[0]
    assert json.loads(content)["runs"][0]["notes"] == notes
    assert text.count("content.runs.forEach(drawRun);") == 1
