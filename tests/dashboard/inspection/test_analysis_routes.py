"""Calibration of an evaluation, and the images that two runs disagree about, over HTTP."""

from __future__ import annotations

import pytest

from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.predictions.calibration import BINS, calibrate
from mnist_core.config import TrainConfig
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from tests.dashboard.inspection.conftest import Get, json_of
from tests.support.factories import LABELS, finished_run


def test_calibration_is_that_of_the_evaluation(get: Get, store: RunStore, trained: Run) -> None:
    for head in store.queries.list_stored_evaluations(trained.id):
        content = json_of(get(f"/calibration.json?run={trained.id}&evaluation={head.id}"))
        assert 0 < content["ece"] < 1
        assert len(content["bins"]) == BINS
        assert sum(found["images"] for found in content["bins"]) == head.images
        assert content["kept"][0] == {"kept": 1.0, "accuracy": pytest.approx(head.accuracy, abs=1e-5)}
        assert set(content["bins"][0]) == {"from", "to", "images", "confidence", "accuracy"}


def test_calibration_of_a_test_needs_no_dataset(get: Get, store: RunStore) -> None:
    run = finished_run(store)
    validation, test = store.queries.list_stored_evaluations(run.id)
    evaluation = store.queries.get_evaluation(run.id, test.id)
    assert evaluation.probabilities is not None
    content = json_of(get(f"/calibration.json?run={run.id}&evaluation={test.id}"))
    expected = calibrate(evaluation.probabilities, evaluation.predictions, LABELS)
    assert content["ece"] == pytest.approx(expected.ece, rel=1e-5)
    refused = get(f"/calibration.json?run={run.id}&evaluation={validation.id}")
    assert refused.status == 409
    assert refused.body.decode().startswith(f"The evaluation of {run.name} at step 5 kept the predicted labels alone")


def test_two_runs_disagree_about_these_images(get: Get, store: RunStore) -> None:
    a = finished_run(store, TrainConfig(lr=0.1), right=range(950))
    b = finished_run(store, TrainConfig(lr=0.2), right=range(10, 960))
    verdict = compare_runs(store.queries, [a.id], [b.id])
    assert json_of(get(f"/disagreement.json?run={a.id}&with={b.id}")) == {
        "only_a": list(range(10)),
        "only_b": list(range(950, 960)),
        "both_wrong": list(range(960, 1000)),
        "p_value": verdict.p_value,
        "sentence": verdict.sentence,
    }


def test_runs_that_cannot_be_compared_are_refused_in_a_sentence(get: Get, store: RunStore) -> None:
    a, other = finished_run(store), finished_run(store, dataset="KMNIST")
    early = finished_run(store, provenance=None)
    queued = store.commands.create_run(TrainConfig())
    for run, status, sentence in (
        (a.id, 409, "A run cannot be compared with itself."),
        (other.id, 409, "accuracies on different datasets say nothing about which is better"),
        (early.id, 409, "was recorded before runs kept which images they were tested on"),
        (queued.id, 409, f"is {RunStatus.QUEUED.word} and has no final test result"),
        (999, 404, "There is no run 999."),
    ):
        response = get(f"/disagreement.json?run={a.id}&with={run}")
        assert response.status == status
        assert sentence in response.body.decode()
    assert get(f"/disagreement.json?run={a.id}").body == b"with must be a number, such as with=7.\n"
    assert get(f"/calibration.json?run={a.id}&evaluation=999").status == 404
