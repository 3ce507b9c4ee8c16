"""The coding of probabilities as levels, in records and in the database."""

import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_core.records import MAX_CODING_ERROR, check_levels, decode_probabilities, encode_probabilities
from mnist_core.store.codecs import prediction_codec

LOGITS = arrays.arrays(np.float64, st.tuples(st.integers(0, 40), st.just(10)), elements=st.floats(-80, 80))


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


@settings(deadline=None)
@given(logits=LOGITS)
def test_probabilities_come_back_within_the_coding_error(logits: np.ndarray) -> None:
    probabilities = softmax(logits)
    levels = encode_probabilities(probabilities)
    assert np.abs(decode_probabilities(levels) - probabilities).max(initial=0) <= MAX_CODING_ERROR < 0.002
    check_levels(levels, probabilities.argmax(axis=1).astype(np.uint8))
    packed = prediction_codec.pack(levels)
    assert prediction_codec.unpack(packed, len(levels)).tolist() == levels.tolist()


def test_10_000_images_take_at_most_120_kilobytes_whatever_they_are() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (10_000, 10), np.uint8)
    assert len(prediction_codec.pack(noise)) <= 100_100


@pytest.mark.parametrize("images", [0, 2, 4])
def test_a_blob_for_another_number_of_images_is_refused(images: int) -> None:
    with pytest.raises(ValueError, match=f"does not hold the probabilities of {images} images"):
        prediction_codec.unpack(prediction_codec.pack(np.zeros((3, 10), np.uint8)), images)


def test_a_blob_that_unpacks_to_far_more_is_refused_without_unpacking_it() -> None:
    with pytest.raises(ValueError, match="does not hold"):
        prediction_codec.unpack(zlib.compress(bytes(50_000_000)), 10)


EVEN = np.full((1, 10), 26, np.uint8)


@pytest.mark.parametrize(
    ("levels", "label", "problem"),
    [
        (EVEN[:, :9], 0, "shape"),
        (EVEN.astype(np.int64), 0, "shape"),
        (np.vstack([EVEN, EVEN]), 0, "shape"),
        (EVEN // 2, 0, "add up to 1"),
        (np.full((1, 10), 255, np.uint8), 0, "add up to 1"),
        (np.array([[253, 2, *[0] * 8]], np.uint8), 1, "highest probability"),
    ],
)
def test_impossible_levels_are_refused(levels: np.ndarray, label: int, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check_levels(levels, np.array([label], np.uint8))


def test_an_image_without_a_number_has_zeros_and_is_accepted() -> None:
    levels = encode_probabilities(np.full((2, 10), np.nan))
    assert not levels.any()
    check_levels(levels, np.zeros(2, np.uint8))
