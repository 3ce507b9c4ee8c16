"""Which images only one of two runs gets right, and the history of one image."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.predictions.disagreement import compare_predictions, split_by_side
from mnist_core.analysis.predictions.image_history import follow_image
from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_core.store.stored_evaluations import ImagePrediction
from tests.support.factories import finished_run

DIGIT = st.integers(0, 2)


@given(images=st.lists(st.tuples(DIGIT, DIGIT, DIGIT), max_size=30))
def test_every_image_that_either_gets_wrong_is_on_one_side(images: list[tuple[int, int, int]]) -> None:
    a, b, labels = np.array(images, np.uint8).reshape(-1, 3).T
    only_a, only_b, both_wrong = split_by_side(a, b, labels)
    assert only_a.tolist() == [n for n, (x, y, label) in enumerate(images) if x == label != y]
    assert only_b.tolist() == [n for n, (x, y, label) in enumerate(images) if y == label != x]
    assert both_wrong.tolist() == [n for n, (x, y, label) in enumerate(images) if label not in (x, y)]


def test_two_runs_are_compared_on_the_same_test_images_with_the_verdict_of_compare(store: RunStore) -> None:
    a = finished_run(store, TrainConfig(lr=0.1), right=range(950))
    b = finished_run(store, TrainConfig(lr=0.2), right=range(10, 940))
    found = compare_predictions(store.queries, a.id, b.id)
    assert found.only_a.tolist() == [*range(10), *range(940, 950)]
    assert found.only_b.tolist() == []
    assert found.both_wrong.tolist() == list(range(950, 1000))
    assert found.verdict == compare_runs(store.queries, [a.id], [b.id])


def test_runs_on_different_images_are_not_compared(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, dataset="KMNIST")
    with pytest.raises(CompareError, match="accuracies on different datasets say nothing"):
        compare_predictions(store.queries, a.id, b.id)


@pytest.mark.parametrize(
    ("labels", "sides_changed", "wrong_since"),
    [
        ([], 0, None),
        ([4], 0, None),
        ([9], 0, 1),
        ([9, 4, 9, 4], 3, None),
        ([4, 9, 7], 1, 2),
        ([9, 9, 9], 0, 1),
    ],
)
def test_an_image_is_wrong_since_the_first_evaluation_of_the_last_wrong_ones(
    labels: list[int], sides_changed: int, wrong_since: int | None
) -> None:
    predictions = [ImagePrediction(n, n, label, None) for n, label in enumerate(labels, 1)]
    history = follow_image(predictions, 4)
    assert (history.sides_changed, history.wrong_since) == (sides_changed, wrong_since)
