"""Evaluations, predictions, labels, images and the history of an image, over HTTP."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_core.config import TrainConfig
from mnist_core.data import idx
from mnist_core.data.datasets import Dataset
from mnist_core.data.local import read_dataset
from mnist_core.data.run_images import RunImages
from mnist_core.data.splits import Split, split_validation
from mnist_core.errors import DatasetError
from mnist_core.exports.archive import import_archive
from mnist_core.exports.export_worker import export
from mnist_core.records import Run, check_levels
from mnist_core.store import RunStore
from mnist_core.store.schema import evaluations
from tests.dashboard.inspection.conftest import Get, content_of, json_of
from tests.support.factories import finished_run

VALIDATION, TEST = 30, 100


def test_the_evaluations_of_a_run_are_listed_by_step(get: Get, trained: Run) -> None:
    content = json_of(get(f"/evaluations.json?run={trained.id}"))
    assert (content["run"], content["version"], content["dataset"]) == (trained.id, trained.uid, "MNIST")
    assert content["revision"] == trained.revision
    assert content["splits"] == {
        "validation": {"images": VALIDATION, "problem": ""},
        "test": {"images": TEST, "problem": ""},
    }
    listed = content["evaluations"]
    assert [(e["step"], e["split"]) for e in listed] == [(5, "validation"), (9, "validation"), (9, "test")]
    assert all(e["has_probabilities"] for e in listed)
    assert listed[-1]["accuracy"] == trained.results.test_accuracy
    assert listed[-1]["weights_step"] == 9


def test_weights_that_are_no_longer_on_the_disk_are_not_promised(get: Get, trained: Run, places: Path) -> None:
    shutil.rmtree(places / "runs" / "checkpoints")
    listed = json_of(get(f"/evaluations.json?run={trained.id}"))["evaluations"]
    assert {e["weights_step"] for e in listed} == {None}


def test_predictions_come_as_labels_and_levels(get: Get, store: RunStore, trained: Run) -> None:
    stored = store.queries.list_evaluations(trained.id, probabilities=True)
    for head, evaluation in zip(store.queries.list_stored_evaluations(trained.id), stored, strict=True):
        content = np.frombuffer(content_of(get(f"/predictions.bin?run={trained.id}&evaluation={head.id}")), np.uint8)
        labels, levels = content[: head.images], content[head.images :].reshape(head.images, 10)
        assert labels.tolist() == evaluation.predictions.tolist()
        check_levels(levels, labels)
        assert evaluation.probabilities is not None
        assert levels.tolist() == evaluation.probabilities.tolist()


def test_an_evaluation_from_before_probabilities_were_kept_has_labels_alone(get: Get, store: RunStore) -> None:
    run = finished_run(store)
    (head, *_) = store.queries.list_stored_evaluations(run.id)
    assert not json_of(get(f"/evaluations.json?run={run.id}"))["evaluations"][0]["has_probabilities"]
    assert len(content_of(get(f"/predictions.bin?run={run.id}&evaluation={head.id}"))) == head.images == 30


def expected_validation(digits: Dataset) -> np.ndarray:
    return split_validation(len(digits.train), 0.1)[1]


def test_labels_are_those_of_the_split(get: Get, trained: Run, small_mnist: Dataset) -> None:
    test = content_of(get(f"/labels.bin?run={trained.id}&split=test"))
    assert test == small_mnist.test.labels.tobytes()
    validation = content_of(get(f"/labels.bin?run={trained.id}&split=validation"))
    assert validation == small_mnist.train.labels[expected_validation(small_mnist)].tobytes()


@pytest.mark.parametrize("split", ["validation", "test"])
def test_images_come_in_one_picture_as_they_are_in_the_dataset(
    get: Get, trained: Run, small_mnist: Dataset, split: str
) -> None:
    response = get(f"/images.png?run={trained.id}&split={split}&images=5,17,0,5")
    picture = Image.open(io.BytesIO(content_of(response)))
    assert (picture.mode, picture.size, response.headers["content-type"]) == ("L", (28, 112), "image/png")
    source = small_mnist.test.images
    if split == "validation":
        source = small_mnist.train.images[expected_validation(small_mnist)]
    assert np.array(picture).reshape(4, 28, 28).tolist() == source[[5, 17, 0, 5]].tolist()


def test_an_image_is_followed_through_the_evaluations(get: Get, trained: Run, store: RunStore, digits: Dataset) -> None:
    content = json_of(get(f"/image_history.json?run={trained.id}&split=validation&image=7"))
    is_wrong = [entry["predicted"] != content["label"] for entry in content["evaluations"]]
    assert content["sides_changed"] == (is_wrong[0] != is_wrong[1])
    assert content["wrong_since"] == (None if not is_wrong[1] else 5 if is_wrong[0] else 9)
    assert content["label"] == digits.train.labels[expected_validation(digits)][7]
    stored = [e for e in store.queries.list_evaluations(trained.id, probabilities=True) if e.split == "validation"]
    assert [e["step"] for e in content["evaluations"]] == [5, 9]
    for entry, evaluation in zip(content["evaluations"], stored, strict=True):
        assert evaluation.probabilities is not None
        assert entry["predicted"] == evaluation.predictions[7]
        assert entry["probability"] == pytest.approx(evaluation.probabilities[7, entry["predicted"]] / 255, abs=1e-4)


# Caching


def addresses(run: Run, evaluation: int = 1) -> list[str]:
    return [
        f"/predictions.bin?run={run.id}&evaluation={evaluation}",
        f"/labels.bin?run={run.id}&split=test",
        f"/images.png?run={run.id}&split=test&images=1",
    ]


def test_browsers_keep_what_names_the_version_of_the_run_and_ask_again_for_the_rest(get: Get, trained: Run) -> None:
    for address in addresses(trained):
        lasting = get(f"{address}&v={trained.uid}")
        assert lasting.headers["cache-control"] == "private, max-age=31536000, immutable"
        for other in (address, f"{address}&v=", f"{address}&v={'0' * 16}"):
            response = get(other)
            assert response.headers["cache-control"] == "private, no-cache"
            assert response.body == lasting.body
            repeated = get(other, if_none_match=response.headers["etag"])
            assert (repeated.status, repeated.body) == (304, b"")
            assert get(other, if_none_match='"another run"').body == lasting.body
    listed = get(f"/evaluations.json?run={trained.id}&v={trained.uid}")
    assert listed.headers["cache-control"] == "private, no-cache"


def test_what_the_browser_has_is_not_read_again(get: Get, trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mnist_core.store.queries.Queries.get_evaluation", None)
    monkeypatch.setattr(RunImages, "split_of", None)
    for address in addresses(trained):
        assert get(address, if_none_match=f'"{trained.uid}"').status == 304


# What cannot be shown


def problems(get: Get, run: Run) -> list[str]:
    splits = json_of(get(f"/evaluations.json?run={run.id}"))["splits"]
    return [splits[split]["problem"] for split in ("validation", "test")]


def test_labels_of_test_images_outlive_the_dataset(get: Get, trained: Run, places: Path, digits: Dataset) -> None:
    shutil.rmtree(places / "data" / "MNIST")
    gone = "MNIST is not on this machine, so its images cannot be shown. Train a run on it to get it."
    assert problems(get, trained) == [gone, gone]
    assert content_of(get(f"/labels.bin?run={trained.id}&split=test")) == digits.test.labels.tobytes()
    for address in (
        f"/labels.bin?run={trained.id}&split=validation",
        f"/images.png?run={trained.id}&split=test&images=1",
    ):
        response = get(address)
        assert (response.status, response.body.decode()) == (409, f"{gone}\n")
    assert json_of(get(f"/image_history.json?run={trained.id}&split=validation&image=7"))["label"] is None
    assert json_of(get(f"/image_history.json?run={trained.id}&split=test&image=7"))["label"] == digits.test.labels[7]


def replace_pair(places: Path, part: str, change: Callable[[np.ndarray], np.ndarray]) -> None:
    raw = places / "data" / "MNIST" / "raw"
    images, labels = idx.read_pair(raw, part)
    idx.write_pair(raw, part, change(images), labels)


def test_images_of_another_dataset_are_not_shown(get: Get, trained: Run, places: Path) -> None:
    assert problems(get, trained) == ["", ""]
    replace_pair(places, idx.TRAIN, lambda images: 255 - images)
    other = "used other images than the MNIST on this machine has, so they cannot be shown"
    validation, test = problems(get, trained)
    assert other in validation
    assert test == ""
    replace_pair(places, idx.TEST, lambda images: 255 - images)
    assert all(other in problem for problem in problems(get, trained))
    assert get(f"/images.png?run={trained.id}&split=test&images=1").status == 409
    replace_pair(places, idx.TEST, lambda images: 255 - images)
    assert problems(get, trained)[1] == ""


def test_a_damaged_dataset_is_called_damaged(get: Get, trained: Run, places: Path) -> None:
    (places / "data" / "MNIST" / "raw" / idx.FILES[0]).write_bytes(b"x" * 100)
    assert all("files of MNIST on this machine are damaged" in problem for problem in problems(get, trained))
    (places / "data" / "MNIST" / "raw" / idx.FILES[1]).unlink()
    assert all("MNIST is not on this machine" in problem for problem in problems(get, trained))


def test_the_dataset_is_read_and_summed_once_while_its_files_stay(
    get: Get, trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[Path] = []

    def counted(folder: Path) -> tuple[Split, Split]:
        read.append(folder)
        return read_dataset(folder)

    monkeypatch.setattr("mnist_core.data.run_images.read_dataset", counted)
    for _ in range(3):
        problems(get, trained)
        get(f"/images.png?run={trained.id}&split=validation&images=1")
    assert len(read) == 1


def test_a_run_that_did_not_record_its_images_shows_none(get: Get, store: RunStore, small_mnist: Dataset) -> None:
    run = finished_run(store, provenance=None)
    assert all("did not record which images it used" in problem for problem in problems(get, run))
    assert get(f"/labels.bin?run={run.id}&split=test").status == 409


def test_a_queued_run_has_no_images_and_no_problem(get: Get, store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig())
    content = json_of(get(f"/evaluations.json?run={run.id}"))
    assert content["splits"]["test"] == {"images": 0, "problem": ""}
    assert content["evaluations"] == []
    assert get(f"/images.png?run={run.id}&split=test&images=0").status == 400


def test_an_imported_run_shows_the_images_of_the_same_dataset_here(
    get: Get, store: RunStore, trained: Run, tmp_path: Path
) -> None:
    export(store.queries, [trained], "archive", tmp_path / "runs.zip")
    (imported,) = import_archive(store, tmp_path / "runs.zip")
    assert problems(get, imported) == ["", ""]
    assert get(f"/images.png?run={imported.id}&split=validation&images=1").status == 200


# Bad input


@pytest.mark.parametrize(
    "query",
    [
        "",
        "run=",
        "run=-1",
        "run=x",
        "run=1e3",
        "run=%D9%A3",
        f"run={'9' * 5000}",
    ],
)
@pytest.mark.parametrize(
    "path", ["evaluations.json", "predictions.bin", "labels.bin", "images.png", "image_history.json"]
)
def test_a_run_that_is_no_number_is_refused_in_a_sentence(get: Get, path: str, query: str) -> None:
    response = get(f"/{path}?{query}")
    assert (response.status, response.body) == (400, b"run must be a number, such as run=7.\n")
    assert response.headers["content-type"].startswith("text/plain")


def test_what_is_not_there_is_said_in_a_sentence(get: Get, trained: Run) -> None:
    run, other = f"run={trained.id}", f"run={trained.id + 1}"
    for path in ("evaluations.json", "predictions.bin", "labels.bin", "images.png", "image_history.json"):
        response = get(f"/{path}?{other}")
        assert (response.status, response.body.decode()) == (404, f"There is no run {trained.id + 1}.\n")
    assert get(f"/predictions.bin?{run}&evaluation=999").status == 404
    for address, sentence in {
        f"/predictions.bin?{run}": "evaluation must be a number, such as evaluation=7.",
        f"/predictions.bin?{run}&evaluation=-1": "evaluation must be a number, such as evaluation=7.",
        f"/labels.bin?{run}": "split must be validation or test.",
        f"/labels.bin?{run}&split=train": "split must be validation or test.",
        f"/images.png?{run}&split=test": "images must be 1 to 100 numbers with commas between, such as images=5,17.",
        f"/images.png?{run}&split=test&images=1,,2": "images must be 1 to 100 numbers with commas between",
        f"/images.png?{run}&split=test&images=-1": "images must be 1 to 100 numbers with commas between",
        f"/images.png?{run}&split=test&images={','.join('1' * 101)}": "images must be 1 to 100 numbers",
        f"/images.png?{run}&split=test&images=99,100": "There is no image 100: the images have the numbers 0 to 99.",
        f"/images.png?{run}&split=test&images=999999999999999": "There is no image 999,999,999,999,999",
        f"/image_history.json?{run}&split=test&image=100": "There is no image 100",
        f"/image_history.json?{run}&split=test&image=x": "image must be a number, such as image=7.",
    }.items():
        response = get(address)
        assert response.status == 400, address
        assert response.body.decode().startswith(sentence), address


def test_a_damaged_run_is_refused_in_a_sentence(get: Get, store: RunStore, trained: Run) -> None:
    with store._engine.begin() as connection:
        connection.execute(evaluations.update().values(probabilities=b"no zlib"))
    (head, *_) = store.queries.list_stored_evaluations(trained.id)
    for _ in range(2):
        response = get(f"/predictions.bin?run={trained.id}&evaluation={head.id}")
        assert response.status == 409
        assert "cannot be read" in response.body.decode()


def test_a_run_says_so_if_its_recorded_size_does_not_fit(store: RunStore, trained: Run) -> None:
    forged = replace(trained, test_images=TEST + 1)
    with pytest.raises(DatasetError, match="used other images"):
        RunImages().split_of(forged, "test")
