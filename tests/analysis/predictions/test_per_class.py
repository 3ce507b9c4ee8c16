"""The report of each class; `tests/references` compares it with scikit-learn."""

import warnings

import numpy as np
import pytest

from mnist_core.analysis.predictions.per_class import report_classes


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
