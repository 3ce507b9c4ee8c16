"""Reliability curve, expected calibration error and accuracy of the most certain, against plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_core.analysis.predictions.calibration import BINS, KEPT_SHARES, accuracy_kept, calibrate
from mnist_core.records import MAX_LEVEL
from tests.support.factories import certain_predictions

IMAGES = st.lists(st.tuples(st.integers(0, MAX_LEVEL), st.booleans()), max_size=80)
"""The level of the predicted label, and whether it is right."""


@settings(deadline=None)
@given(images=IMAGES)
def test_the_error_is_that_of_a_plain_loop(images: list[tuple[int, bool]]) -> None:
    calibration = calibrate(*certain_predictions(images))
    expected = 0.0
    for number, found in enumerate(calibration.bins):
        inside = [
            (level / 255, is_right)
            for level, is_right in images
            if number / BINS < level / 255 <= (number + 1) / BINS or (number == level == 0)
        ]
        assert (found.low, found.high, found.images) == (number / BINS, (number + 1) / BINS, len(inside))
        if not inside:
            assert (found.confidence, found.accuracy) == (None, None)
            continue
        confidence = sum(level for level, _ in inside) / len(inside)
        accuracy = sum(is_right for _, is_right in inside) / len(inside)
        assert found.confidence == pytest.approx(confidence)
        assert found.accuracy == pytest.approx(accuracy)
        expected += len(inside) / len(images) * abs(accuracy - confidence)
    assert calibration.ece == pytest.approx(expected, abs=1e-12)
    assert sum(found.images for found in calibration.bins) == len(images)


@settings(deadline=None)
@given(images=st.lists(st.tuples(st.integers(0, MAX_LEVEL), st.booleans()), max_size=80, unique_by=lambda i: i[0]))
def test_the_accuracy_kept_is_that_of_a_sorted_list(images: list[tuple[int, bool]]) -> None:
    kept = accuracy_kept(*certain_predictions(images))
    if not images:
        assert kept == ()
        return
    ordered = [is_right for _, is_right in sorted(images, reverse=True)]
    assert [k.share for k in kept] == list(KEPT_SHARES)
    for entry in kept:
        most_certain = ordered[: max(round(entry.share * len(images)), 1)]
        assert entry.accuracy == pytest.approx(sum(most_certain) / len(most_certain))


@settings(deadline=None)
@given(images=IMAGES.filter(bool), seed=st.integers(0, 9))
def test_the_accuracy_kept_does_not_depend_on_the_order_of_the_images(
    images: list[tuple[int, bool]], seed: int
) -> None:
    shuffled = [images[index] for index in np.random.default_rng(seed).permutation(len(images))]
    first, second = (accuracy_kept(*certain_predictions(some)) for some in (images, shuffled))
    assert [k.accuracy for k in first] == pytest.approx([k.accuracy for k in second])


def test_ties_give_the_expected_accuracy_of_a_random_choice() -> None:
    images = [(250, True), (200, True), (200, False), (200, True), (200, False), (100, False)]
    kept = accuracy_kept(*certain_predictions(images), shares=(1.0, 0.5, 0.0))
    assert [k.accuracy for k in kept] == pytest.approx([3 / 6, (1 + 2 * 0.5) / 3, 1.0])


def test_a_network_that_is_sure_and_right_is_calibrated() -> None:
    calibration = calibrate(*certain_predictions([(255, True)] * 8))
    assert calibration.ece == 0
    assert calibration.bins[-1].images == 8
