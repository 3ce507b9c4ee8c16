"""The map by t-SNE: it keeps neighbours, stays in place, and is laid out a little at a time."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.manifold import TSNE, trustworthiness

from mnist_core.inference import tsne
from mnist_core.inference.answers import Answers
from mnist_core.inference.embeddings import find_rotation, project
from mnist_core.inference.tsne import FROM_COMPONENTS, FROM_NEIGHBOUR, Schedule, find_neighbours, lay_out
from mnist_core.records import Run
from mnist_core.store import RunStore
from tests.inference.conftest import Train

pytestmark = pytest.mark.fault


def digits(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pixels of images of digits, which are like features, and their principal components."""
    features = load_digits().data[:count].astype(np.float32)
    return features, project(features)[0].astype(np.float32)


def finished(features: np.ndarray, start: np.ndarray, schedule: Schedule) -> np.ndarray:
    layouts = list(lay_out(features, start, schedule))
    assert [layout.progress for layout in layouts] == sorted({layout.progress for layout in layouts})
    assert layouts[-1].progress == 1
    assert layouts[0].points == pytest.approx(start)
    return layouts[-1].points


def test_neighbours_are_kept_as_well_as_by_scikit_learn() -> None:
    features, start = digits(500)
    points = finished(features, start, FROM_COMPONENTS)
    reference = TSNE(init=(1e-4 * start / start[:, 0].std()), random_state=1).fit_transform(features)
    kept, expected = (trustworthiness(features, each, n_neighbors=10) for each in (points, reference))
    assert kept > max(0.97, expected - 0.005)
    assert kept > trustworthiness(features, start, n_neighbors=10) + 0.1
    assert np.array_equal(points, finished(features, start, FROM_COMPONENTS))


def test_a_map_begins_where_the_one_of_another_step_ended() -> None:
    features, start = digits(300)
    before = finished(features, start, FROM_COMPONENTS)
    moved = features + np.random.default_rng(2).normal(0, 1, features.shape).astype(np.float32)
    after = finished(moved, before, FROM_NEIGHBOUR)
    assert trustworthiness(moved, after, n_neighbors=10) > 0.96
    assert find_rotation(after, before) == pytest.approx(np.eye(2), abs=0.2)
    spread = np.linalg.norm(before, axis=1).mean()
    assert np.median(np.linalg.norm(after - before, axis=1)) < spread / 3


def test_neighbours_are_the_nearest_images(monkeypatch: pytest.MonkeyPatch) -> None:
    features = np.random.default_rng(3).normal(size=(120, 5)).astype(np.float32)
    monkeypatch.setattr(tsne, "IMAGES_PER_PIECE", 50)
    images, distances = (np.concatenate(blocks) for blocks in zip(*find_neighbours(features), strict=True))
    everything = np.linalg.norm(features[:, np.newaxis] - features, axis=2).astype(np.float64)
    np.fill_diagonal(everything, np.inf)
    assert np.sort(everything)[:, :90] == pytest.approx(distances, abs=1e-5)
    assert np.take_along_axis(everything, images, 1) == pytest.approx(distances, abs=1e-5)


@pytest.mark.parametrize(
    "features",
    [
        np.zeros((40, 3)),
        np.arange(40.0)[:, np.newaxis],
        np.full((40, 70), 1e20),
        np.repeat(np.eye(4), 10, 0),
        np.eye(3),
    ],
)
def test_images_that_are_alike_or_few_have_a_map(features: np.ndarray) -> None:
    features = features.astype(np.float32)
    points = finished(features, project(features)[0].astype(np.float32), FROM_COMPONENTS)
    assert points.shape == (len(features), 2)
    assert np.isfinite(points).all()


def ask(answers: Answers, run: Run, step: int) -> dict[str, Any]:
    return answers.answer({"ask": "tsne", "run": run.id, "step": step, "split": "test"}, b"")


def points_of(answer: dict[str, Any]) -> np.ndarray:
    return np.frombuffer(base64.b64decode(answer["points"]), "<f4").reshape(-1, 2)


def ask_until_done(answers: Answers, run: Run, step: int) -> list[dict[str, Any]]:
    asked = [ask(answers, run, step)]
    while not asked[-1]["done"]:
        asked.append(ask(answers, run, step))
    return asked


@pytest.fixture
def two_pieces_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(10**6))
    monkeypatch.setattr("mnist_core.inference.tsne.time.monotonic", lambda: 0.2 * next(clock))


@pytest.mark.usefixtures("two_pieces_a_question")
def test_each_question_goes_on_where_the_one_before_stopped(train: Train, answers: Answers, store: RunStore) -> None:
    run = train(model="mlp", epochs=3)
    components = answers.answer({"ask": "map", "run": run.id, "step": 5, "split": "test"}, b"")
    asked = ask_until_done(answers, run, 5)
    progress = [answer["progress"] for answer in asked]
    assert progress == sorted(set(progress))
    assert progress[-1] == 1
    assert len(progress) > 10
    assert points_of(asked[0]) == pytest.approx(points_of(components))
    assert {(answer["step"], answer["images"]) for answer in asked} == {(5, 100)}
    assert ask(answers, run, 5) == asked[-1]

    # A process that is killed takes what it has done with it. The next one comes to the same map.
    killed = Answers(store.queries)
    assert [ask(killed, run, 5)["done"] for _ in range(3)] == [False] * 3
    del killed
    assert ask_until_done(Answers(store.queries), run, 5)[-1] == asked[-1]

    # The map of the next step begins as the one that is finished.
    assert points_of(ask(answers, run, 9)) == pytest.approx(points_of(asked[-1]))


@pytest.mark.usefixtures("two_pieces_a_question")
def test_a_map_too_many_waits_until_another_is_finished(
    train: Train, answers: Answers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tsne, "MAX_UNFINISHED", 1)
    monkeypatch.setattr(tsne, "ABANDONED_SECONDS", 1000.0)
    run = train(model="mlp", epochs=3)
    assert [ask(answers, run, step)["progress"] for step in (5, 9, 9)] == [0, 0, 0]
    assert ask(answers, run, 5)["progress"] > 0
    ask_until_done(answers, run, 5)
    assert ask(answers, run, 9)["progress"] == 0
    assert ask(answers, run, 9)["progress"] > 0


def test_what_went_wrong_is_tried_again(train: Train, answers: Answers, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train(model="mlp")

    def fail(*_arguments: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(tsne, "_affinities", fail)
        with pytest.raises(MemoryError):
            ask_until_done(answers, run, 5)
    assert ask_until_done(answers, run, 5)[-1]["done"]
