"""Precision, recall, F1 and confusions of each class, against scikit-learn."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from mnist_core.analysis.predictions.per_class import count_confusion, report_classes

DIGITS = list(range(10))
PAIRS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60) | st.lists(
    st.tuples(st.integers(3, 4), st.integers(4, 6)), max_size=60
)


@settings(deadline=None)
@given(pairs=PAIRS)
def test_every_number_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    """Also for classes without images or predictions, and without any image."""
    labels, predictions = np.array(pairs, np.uint8).reshape(-1, 2).T
    confusion = count_confusion(labels, predictions)
    report = report_classes(confusion)
    if not pairs:
        assert report.weighted == report.macro
        assert {(c.precision, c.recall, c.f1, c.support, c.confused_with) for c in report.classes} == {
            (0, 0, 0, 0, None)
        }
        return
    assert np.array_equal(confusion, confusion_matrix(labels, predictions, labels=DIGITS))
    expected = precision_recall_fscore_support(labels, predictions, labels=DIGITS, zero_division=0)
    found = [[getattr(c, name) for c in report.classes] for name in ("precision", "recall", "f1", "support")]
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    for average, ours in (("macro", report.macro), ("weighted", report.weighted)):
        *theirs, _ = precision_recall_fscore_support(
            labels, predictions, labels=DIGITS, zero_division=0, average=average
        )
        np.testing.assert_allclose([ours.precision, ours.recall, ours.f1], theirs, rtol=1e-14)


def test_no_class_is_divided_by_zero() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report_classes(np.zeros((10, 10), np.int64))


@pytest.mark.parametrize(
    ("row", "expected"),
    [([5, 0, 0], (None, 0)), ([5, 1, 2], (2, 2)), ([0, 3, 3], (1, 3)), ([0, 0, 0], (None, 0))],
)
def test_the_commonest_confusion_is_the_largest_wrong_count(row: list[int], expected: tuple[int | None, int]) -> None:
    confusion = np.zeros((10, 10), np.int64)
    confusion[0, :3] = row
    first = report_classes(confusion).classes[0]
    assert (first.confused_with, first.confused) == expected
