"""What is said about predictions, against scikit-learn: the report of each class, and the reliability curve."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from mnist_core.analysis.predictions.calibration import BINS, calibrate
from mnist_core.analysis.predictions.per_class import count_confusion, report_classes
from mnist_core.records import MAX_LEVEL
from tests.support.factories import certain_predictions

DIGITS = list(range(10))
LABELS_AND_PREDICTIONS = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=60) | st.lists(
    st.tuples(st.integers(3, 4), st.integers(4, 6)), max_size=60
)
CERTAIN = st.lists(st.tuples(st.integers(0, MAX_LEVEL), st.booleans()), min_size=1, max_size=80)
"""The level of the predicted label, and whether it is right."""


@settings(deadline=None)
@given(pairs=LABELS_AND_PREDICTIONS)
def test_the_report_of_each_class_is_that_of_scikit_learn(pairs: list[tuple[int, int]]) -> None:
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


@settings(deadline=None)
@given(images=CERTAIN)
def test_the_reliability_curve_is_that_of_scikit_learn(images: list[tuple[int, bool]]) -> None:
    is_right = np.array([right for _, right in images])
    confidences = np.array([level for level, _ in images]) / MAX_LEVEL
    accuracies, means = calibration_curve(is_right, confidences, n_bins=BINS, pos_label=True)
    found = [b for b in calibrate(*certain_predictions(images)).bins if b.images]
    assert [b.accuracy for b in found] == pytest.approx(accuracies.tolist())
    assert [b.confidence for b in found] == pytest.approx(means.tolist())
