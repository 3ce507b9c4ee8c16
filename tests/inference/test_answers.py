"""Answers about networks: equal to a plain loop, for every network, and one sentence where there is no answer."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor, nn

from mnist_core.checkpoints import files
from mnist_core.checkpoints.files import load_network
from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints
from mnist_core.checkpoints.ownership import check_checkpoint
from mnist_core.data.datasets import Dataset
from mnist_core.errors import CheckpointError, DatasetError, MnistError
from mnist_core.inference import forward
from mnist_core.inference.answers import Answers
from mnist_core.inference.occlusion import SIZE, STARTS
from mnist_core.inference.weights import Network, RecentlyUsed, Weights
from mnist_core.records import FileKind, Run, RunFile
from mnist_core.runs import lineage
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from mnist_core.training.batches import normalize
from mnist_core.training.networks import models
from mnist_core.training.train_state import TrainState
from tests.inference.conftest import Train
from tests.support.factories import finished_run
from tests.support.live_runs import begun_run

EVERY_NETWORK = [
    ("softmax", "fp32"),
    pytest.param("classic", "fp32", marks=pytest.mark.fault),
    pytest.param("example", "fp32", marks=pytest.mark.fault),
    ("compact", "bf16"),
    ("mlp", "bf16"),
]


def read(network: Network, image: np.ndarray) -> np.ndarray:
    """Return the probabilities of one image, by itself."""
    (probabilities,) = forward.compute_probabilities(network, image[np.newaxis])
    return np.asarray(probabilities)


def network_of(store: RunStore, run: Run, step: int | None = None) -> Network:
    weights = Weights(store.queries)
    return weights.load_newest(run) if step is None else weights.load_nearest(run, step)


@pytest.mark.parametrize(("model", "precision"), EVERY_NETWORK)
def test_images_are_read_as_the_evaluation_read_them(
    train: Train, store: RunStore, answers: Answers, small_mnist: Dataset, monkeypatch: pytest.MonkeyPatch, *,
    model: str, precision: str,
) -> None:  # fmt: skip
    monkeypatch.setattr("mnist_core.training.train_state.check_precision", lambda *_: None)
    run = train(model=model, precision=precision)
    tested = store.queries.list_evaluations(run.id)[-1]
    assert (tested.split, tested.step) == ("test", 9)
    network = network_of(store, run)
    probabilities = forward.compute_probabilities(network, small_mnist.test.images)
    assert probabilities.argmax(1).tolist() == tested.predictions.tolist()
    assert np.allclose(probabilities.sum(1), 1, atol=1e-3)
    image = small_mnist.test.images[3]
    answer = answers.answer({"ask": "read", "run": run.id}, image.tobytes())
    assert (answer["run"], answer["step"]) == (run.id, 9)
    assert answer["probabilities"] == pytest.approx(read(network, image), abs=1e-6)


def test_a_run_of_another_device_is_read_on_the_processor(train: Train, store: RunStore) -> None:
    run = train()
    state = TrainState.initial(run.config)
    state.step = 99
    folder = checkpoints_dir(run)
    path = files.save_snapshot(folder, replace(run.config, device="cuda"), state, dataset="MNIST")
    assert next(load_network(path).model.parameters()).device.type == "cpu"


def test_the_story_is_what_each_snapshot_reads(
    train: Train, store: RunStore, answers: Answers, small_mnist: Dataset
) -> None:
    run = train(model="compact")
    image = small_mnist.test.images[5]
    story = answers.answer({"ask": "story", "run": run.id, "split": "test", "image": 5}, b"")
    check = partial(check_checkpoint, store.queries, run)
    snapshots = list_checkpoints(checkpoints_dir(run), FileKind.SNAPSHOT)
    assert story["steps"] == list(snapshots) == [1, 2, 3, 4, 5, 6, 7, 9]
    for path, told in zip(snapshots.values(), story["probabilities"], strict=True):
        with torch.inference_mode():
            model = load_network(path, check).model
            expected = model(normalize(torch.from_numpy(image[np.newaxis]))).exp()[0].tolist()
        assert told == pytest.approx(expected, abs=1e-5)
    assert story["notice"] == ""
    assert answers.answer({"ask": "story", "run": run.id}, image.tobytes()) == story


@pytest.mark.fault
def test_the_story_of_a_continued_run_begins_with_that_of_the_other(
    train: Train, store: RunStore, answers: Answers
) -> None:
    parent = train(epochs=2)
    child = lineage.fork(store, parent, replace(parent.config, epochs=3), step=9)
    claimed = store.trainer_writes.claim_run(child.id, own_identity(), 1)
    assert claimed
    train_run(store, claimed)

    def told(run: Run) -> list[int]:
        steps: list[int] = answers.answer({"ask": "story", "run": run.id}, bytes(784))["steps"]
        return steps

    earlier = [step for step in told(parent) if step <= 9]
    assert told(child)[: len(earlier)] == earlier
    assert told(child)[len(earlier)] == 10
    assert told(child)[-1] == 27
    store.commands.delete_runs([parent.id])
    assert told(child)[0] == 10


@pytest.mark.parametrize("model", ["compact", "softmax"])
def test_occlusion_is_covering_one_window_at_a_time(
    train: Train, store: RunStore, answers: Answers, small_mnist: Dataset, model: str
) -> None:
    run = train(model=model)
    image, network = small_mnist.test.images[7], network_of(store, run, 9)
    occluded = answers.answer({"ask": "occlusion", "run": run.id, "step": 9, "split": "test", "image": 7}, b"")
    whole = read(network, image)
    digit = int(whole.argmax())
    assert (occluded["step"], occluded["digit"], occluded["size"], occluded["stride"]) == (9, digit, 7, 2)
    assert occluded["probability"] == pytest.approx(whole[digit], abs=1e-6)
    assert len(occluded["losses"]) == len(STARTS) == 11
    for row, top in enumerate(STARTS):
        for column, left in enumerate(STARTS):
            covered = image.copy()
            covered[top : top + SIZE, left : left + SIZE] = 0
            probabilities = read(network, covered)
            assert occluded["losses"][row][column] == pytest.approx(whole[digit] - probabilities[digit], abs=1e-5)
            assert occluded["reads"][row][column] == probabilities.argmax()


@pytest.mark.parametrize("split", ["test", "validation"])
def test_the_nearest_images_are_those_of_a_search_by_hand(
    train: Train, store: RunStore, answers: Answers, split: str
) -> None:
    run = train(model="mlp", epochs=3)
    network = network_of(store, run)
    source = answers._images.split_of(run, split)
    features = penultimate_of_mlp(network.model, source.images(range(len(source))))
    predicted = forward.compute_probabilities(network, source.images(range(len(source)))).argmax(1)
    is_right = predicted == source.labels
    for number in (0, 5, int(np.flatnonzero(~is_right)[0])):
        question = {"ask": "nearest", "run": run.id, "step": 99, "split": split, "image": number, "count": 2}
        answer = answers.answer(question, b"")
        for name, digit in (("label", source.labels[number]), ("predicted", predicted[number])):
            others = np.flatnonzero(is_right & (source.labels == digit) & (np.arange(len(source)) != number))
            count = min(2, len(others))
            assert [found["image"] for found in answer[name]] == nearest(features, others, number, count)


def penultimate_of_mlp(model: nn.Module, images: np.ndarray) -> np.ndarray:
    assert isinstance(model, models.MLP)
    with torch.inference_mode():
        first = torch.relu(model.fc1(normalize(torch.as_tensor(images)).flatten(1)))
        return torch.relu(model.fc2(first)).numpy()


def nearest(features: np.ndarray, candidates: np.ndarray, number: int, count: int) -> list[int]:
    if not count:
        return []
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(features[candidates])
    (found,) = search.kneighbors(features[[number]], return_distance=False)
    return [int(candidate) for candidate in candidates[found]]


class WithoutLinear(nn.Module):
    """A network of convolutions alone."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 10, 28)

    def forward(self, images: Tensor) -> Tensor:
        return torch.log_softmax(self.conv(images).flatten(1), 1)


def test_a_network_without_a_linear_layer_has_its_outputs_as_features(train: Train, small_mnist: Dataset) -> None:
    network = Network(train(), 9, WithoutLinear().eval(), "key")
    features, probabilities = forward.embed(network, small_mnist.test.images)
    assert np.allclose(np.exp(features), probabilities, atol=1e-6)


class Scripted(nn.Module):
    """A network that returns what it is told."""

    def __init__(self, output: Tensor) -> None:
        super().__init__()
        self.output = output

    def forward(self, _images: Tensor) -> Tensor:
        return self.output


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        (torch.zeros(1, 7), "returned 1 x 7 numbers for 1 images, not 10 each"),
        (torch.full((1, 10), torch.nan), "returned NaN or infinity"),
    ],
)
def test_a_network_that_returns_something_else_is_told(train: Train, output: Tensor, sentence: str) -> None:
    network = Network(train(), 9, Scripted(output), "key")
    with pytest.raises(MnistError, match=sentence):
        forward.compute_probabilities(network, np.zeros((1, 28, 28), np.uint8))


# ------------------------------------------------------------ which weights


def ask(answers: Answers, run: Run, step: int | None = None) -> int:
    """Return the step of the weights that answer a question."""
    if step is None:
        return int(answers.answer({"ask": "read", "run": run.id}, bytes(784))["step"])
    return int(answers.answer({"ask": "filters", "run": run.id, "step": step}, b"")["step"])


def test_the_nearest_kept_weights_answer(train: Train, answers: Answers) -> None:
    run = train()
    assert [ask(answers, run, step) for step in (0, 1, 6, 8, 9, 5000)] == [1, 1, 6, 7, 9, 9]


def test_damaged_weights_are_refused_and_others_of_the_same_step_used(train: Train, answers: Answers) -> None:
    run = train()
    folder = checkpoints_dir(run)
    newest = list_checkpoints(folder)[9]
    newest.write_bytes(newest.read_bytes()[:-1])
    assert ask(answers, run) == 9  # the snapshot, and the best, of the same step
    for path in folder.glob("*-00000009.ckpt"):
        path.write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="is not a checkpoint"):
        ask(Answers(answers._queries), run)
    story = Answers(answers._queries).answer({"ask": "story", "run": run.id}, bytes(784))
    assert story["steps"] == [1, 2, 3, 4, 5, 6, 7]
    assert "is not a checkpoint" in story["notice"]


def test_weights_of_another_run_are_refused(train: Train, answers: Answers) -> None:
    run, other = train(), train(seed=2)
    for path in checkpoints_dir(run).glob("*-00000009.ckpt"):
        shutil.copyfile(checkpoints_dir(other) / path.name, path)
    with pytest.raises(CheckpointError, match=f"has changed since {run.name} saved it"):
        ask(answers, run)


def test_earlier_weights_never_stand_in_for_those_that_a_run_ended_with(train: Train, answers: Answers) -> None:
    run = train()
    for path in checkpoints_dir(run).glob("*-00000009.ckpt"):
        path.unlink()
    with pytest.raises(MnistError, match=f"The weights that {run.name} ended with are gone from the disk"):
        ask(answers, run)
    assert ask(answers, run, 9) == 7


def test_a_run_in_progress_answers_with_its_newest_weights(train: Train, store: RunStore, answers: Answers) -> None:
    run = train()
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET status = 'running'")
    for path in checkpoints_dir(run).glob("*-00000009.ckpt"):
        path.unlink()
    assert ask(answers, store.queries.get_run(run.id)) == 7


@pytest.mark.parametrize("step", [None, 9])
def test_weights_that_a_run_in_progress_replaces_while_they_are_read_are_looked_up_again(
    train: Train, store: RunStore, answers: Answers, monkeypatch: pytest.MonkeyPatch, step: int | None
) -> None:
    run = train()
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET status = 'running'")
    load = Weights._load_step
    replaced: list[Path] = []

    def replace_first(self: Weights, run: Run, files: list[RunFile]) -> Network:
        if not replaced:
            replaced.extend(checkpoints_dir(run).glob("*-00000009.ckpt"))
            for path in replaced:
                path.unlink()
        return load(self, run, files)

    monkeypatch.setattr(Weights, "_load_step", replace_first)
    assert ask(answers, store.queries.get_run(run.id), step) == 7


def test_a_run_without_weights_says_so(store: RunStore, answers: Answers) -> None:
    with pytest.raises(MnistError, match=r"has no weights here\. Train it again\."):
        ask(answers, finished_run(store))
    with pytest.raises(MnistError, match="has saved no weights yet"):
        ask(answers, begun_run(store))


def test_a_run_in_the_bin_says_so(train: Train, store: RunStore, answers: Answers) -> None:
    run = train()
    store.commands.delete_runs([run.id])
    with pytest.raises(MnistError, match="is in the bin"):
        ask(answers, run)


def test_images_that_are_not_here_are_told(train: Train, answers: Answers, places: object, store: RunStore) -> None:
    run = train()
    question = {"ask": "occlusion", "run": run.id, "step": 9, "split": "test", "image": 100}
    with pytest.raises(MnistError, match=r"There is no image 100: the images have the numbers 0 to 99\."):
        answers.answer(question, b"")
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET dataset = 'KMNIST'")
    with pytest.raises(DatasetError, match="KMNIST is not on this machine"):
        answers.answer({**question, "image": 1}, b"")


def test_the_values_used_last_are_kept() -> None:
    kept: RecentlyUsed[str] = RecentlyUsed(max_count=3, max_bytes=100)
    for key in (1, 2, 3):
        kept.put(key, f"value {key}", 10)
    assert kept.get(1) == "value 1"
    kept.put(4, "value 4", 10)
    assert [kept.get(key) is not None for key in (1, 2, 3, 4)] == [True, False, True, True]
    kept.put(5, "large", 95)
    assert [kept.get(key) is not None for key in (1, 3, 4, 5)] == [False, False, False, True]
    kept.put(6, "larger than all", 1000)
    assert kept.get(6) == "larger than all"
