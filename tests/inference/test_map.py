"""The map of a split: scikit-learn's principal components, turned so that it stays in place over training."""

from __future__ import annotations

import base64
import itertools

import numpy as np
import pytest
from scipy.linalg import orthogonal_procrustes
from sklearn.decomposition import PCA

from mnist_core.inference import embeddings
from mnist_core.inference.answers import Answers
from mnist_core.inference.embeddings import find_rotation, project
from mnist_core.inference.weights import Weights
from mnist_core.records import Run
from mnist_core.store import RunStore
from tests.inference.conftest import Train


def features(images: int, count: int) -> np.ndarray:
    """Return random features whose variances differ."""
    random = np.random.default_rng(3)
    return (random.normal(size=(images, count)) * np.linspace(3, 0.1, count) + 5).astype(np.float32)


@pytest.mark.parametrize(("images", "count"), [(300, 40), (30, 100), (50, 2)])
def test_the_projection_is_that_of_scikit_learn_up_to_signs(images: int, count: int) -> None:
    values = features(images, count)
    points, shares = project(values)
    reference = PCA(2, svd_solver="full").fit(values.astype(np.float64))
    expected = reference.transform(values.astype(np.float64))
    signs = np.sign((points * expected).sum(0))
    assert points * signs == pytest.approx(expected, abs=1e-6)
    assert shares == pytest.approx(reference.explained_variance_ratio_)


def test_the_projection_of_very_many_features_is_nearly_the_exact_one(monkeypatch: pytest.MonkeyPatch) -> None:
    values = features(200, 60)
    exact, exact_shares = project(values)
    monkeypatch.setattr(embeddings, "EXACT_FEATURES", 10)
    points, shares = project(values)
    assert shares == pytest.approx(exact_shares, rel=1e-3)
    assert abs(np.corrcoef(points[:, 0], exact[:, 0])[0, 1]) > 0.99


@pytest.mark.parametrize("values", [np.zeros((5, 3), np.float32), np.arange(5, dtype=np.float32)[:, np.newaxis]])
def test_a_projection_of_fewer_dimensions_lies_on_a_line(values: np.ndarray) -> None:
    points, shares = project(values)
    assert points.shape == (5, 2)
    assert np.isfinite(points).all()
    assert shares[1] == pytest.approx(0)


def test_the_rotation_is_that_of_scipy() -> None:
    random = np.random.default_rng(4)
    points, target = random.normal(size=(2, 50, 2))
    assert find_rotation(points, target) == pytest.approx(orthogonal_procrustes(points, target)[0])
    mirrored = points @ np.array([[0.6, 0.8], [0.8, -0.6]])
    assert mirrored @ find_rotation(mirrored, points) == pytest.approx(points)


def drawn(answers: Answers, run: Run, step: int) -> np.ndarray:
    answer = answers.answer({"ask": "map", "run": run.id, "step": step, "split": "test"}, b"")
    assert answer["step"] == step
    points = np.frombuffer(base64.b64decode(answer["points"]), "<f4").reshape(-1, 2)
    assert len(points) == answer["images"] == 100
    return points


@pytest.mark.fault
def test_maps_do_not_depend_on_the_order_of_questions(train: Train, answers: Answers) -> None:
    run = train(model="mlp", epochs=3)
    steps = [1, 2, 5, 9, 14, 18]
    maps = {step: drawn(answers, run, step) for step in steps}
    later_first = Answers(answers._queries)
    for step in reversed(steps):
        assert drawn(later_first, run, step) == pytest.approx(maps[step], abs=1e-5)


@pytest.mark.fault
def test_no_other_turn_of_a_map_is_nearer_to_the_one_before(train: Train, store: RunStore, answers: Answers) -> None:
    run = train(model="mlp", epochs=3)
    steps = Weights(store.queries).snapshot_steps(run)
    for before, after in itertools.pairwise(drawn(answers, run, step) for step in steps):
        assert find_rotation(after, before) == pytest.approx(np.eye(2), abs=1e-4)
