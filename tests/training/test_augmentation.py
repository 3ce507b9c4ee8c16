"""Random changes of the training images: how far they go, and that they repeat."""

import copy
import hashlib
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.training.augmentation import MAX_ROTATION, MAX_SCALING, MAX_SHEAR, augment
from mnist_core.training.batches import Images
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState
from tests.support.training import timeless

CONFIG = TrainConfig(model="softmax", batch_size=20, epochs=2, device="cpu", augmentation="affine", max_shift=2)
DRAWS = 3000


def seeded(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def drawn(image: Tensor, max_shift: int = 0, count: int = DRAWS) -> np.ndarray:
    """Return `count` affine variants of one image, float (count, 28, 28)."""
    return augment(image.expand(count, 28, 28), "affine", max_shift, seeded()).numpy()


def bar(rows: slice, columns: slice) -> Tensor:
    image = torch.zeros(28, 28, dtype=torch.uint8)
    image[rows, columns] = 255
    return image


def centroids(images: np.ndarray) -> np.ndarray:
    """Return the centre of mass of each image as (row, column)."""
    rows, columns = np.mgrid[:28, :28]
    mass = images.sum((1, 2))
    return np.stack([(images * rows).sum((1, 2)) / mass, (images * columns).sum((1, 2)) / mass], axis=1)


def angles(images: np.ndarray) -> np.ndarray:
    """Return the angle of each image's longest axis to the horizontal, in radians, from its second moments."""
    rows, columns = np.mgrid[:28, :28]
    middle = centroids(images)
    down = rows - middle[:, 0, None, None]
    right = columns - middle[:, 1, None, None]
    mixed, across, along = ((images * part).sum((1, 2)) for part in (down * right, right**2, down**2))
    angle: np.ndarray = np.arctan2(2 * mixed, across - along) / 2
    return angle


@pytest.mark.parametrize("max_shift", [1, 3])
def test_shifted_images_move_whole_by_every_distance_and_keep_their_labels(digits: Dataset, max_shift: int) -> None:
    images = Images.on_device(digits.train, torch.device("cpu"))
    batch = torch.arange(300)
    pixels, labels = images.augmented(batch, "shift", max_shift, seeded())
    (plain, plain_labels), size = images[batch], 28
    framed = F.pad(plain, [max_shift] * 4, value=plain.min().item())
    moves = set()
    for image, frame in zip(pixels, framed, strict=True):
        places = itertools.product(range(2 * max_shift + 1), repeat=2)
        moves |= {(y, x) for y, x in places if torch.equal(image, frame[:, y : y + size, x : x + size])}
    assert len(moves) == (2 * max_shift + 1) ** 2
    assert torch.equal(labels, plain_labels)
    assert pixels.shape == plain.shape


@pytest.mark.parametrize(("max_shift", "digest"), [(1, "7b79cdeea27bd3c7"), (4, "37c52dc854f59fdb")])
def test_shifts_stay_those_of_recorded_runs(max_shift: int, digest: str) -> None:
    pixels = (torch.arange(40 * 28 * 28) % 251).to(torch.uint8).reshape(40, 28, 28)
    shifted = augment(pixels, "shift", max_shift, seeded(7)).numpy()
    assert hashlib.sha256(shifted.tobytes()).hexdigest()[:16] == digest


def test_none_changes_nothing_and_draws_nothing(digits: Dataset) -> None:
    generator = seeded()
    pixels = torch.as_tensor(digits.train.images)
    assert augment(pixels, "none", 0, generator) is pixels
    assert torch.equal(generator.get_state(), seeded().get_state())


@pytest.mark.parametrize("kind", ["shift", "affine"])
def test_changes_depend_on_the_generator_alone(digits: Dataset, kind: str) -> None:
    pixels = torch.as_tensor(digits.train.images[:50])
    changed = []
    for others in (1, 2):
        torch.manual_seed(others)
        changed.append(augment(pixels, kind, 2, seeded(7)))
    assert torch.equal(*changed)
    assert not torch.equal(augment(pixels, kind, 2, seeded(8)), changed[0])


def test_affine_turns_either_way_by_at_most_the_largest_rotation() -> None:
    """Of a horizontal bar: the slant moves rows sideways, which does not turn it."""
    turned = angles(drawn(bar(slice(13, 15), slice(5, 23))))
    assert np.abs(turned).max() == pytest.approx(MAX_ROTATION, rel=0.03)
    assert turned.mean() == pytest.approx(0, abs=0.01)
    assert turned.std() == pytest.approx(MAX_ROTATION / math.sqrt(3), rel=0.05)


def test_affine_slants_upright_strokes_further_than_it_turns_them() -> None:
    leaning = math.pi / 2 - np.abs(angles(drawn(bar(slice(5, 23), slice(13, 15)))))
    largest = MAX_ROTATION + math.atan(MAX_SHEAR * (1 + MAX_SCALING) / (1 - MAX_SCALING))
    assert MAX_ROTATION < np.abs(leaning).max() < largest + 0.01


def test_affine_scales_width_and_height_independently() -> None:
    areas = drawn(bar(slice(9, 19), slice(9, 19))).sum((1, 2)) / (100 * 255)
    assert areas.min() == pytest.approx((1 - MAX_SCALING) ** 2, abs=0.03)
    assert areas.max() == pytest.approx((1 + MAX_SCALING) ** 2, abs=0.03)
    assert areas.mean() == pytest.approx(1, abs=0.01)
    independent = math.sqrt(2 * MAX_SCALING**2 / 3)
    assert areas.std() == pytest.approx(independent, rel=0.06)


@pytest.mark.parametrize("max_shift", [0, 2, 4])
def test_affine_moves_by_at_most_the_shift_in_fractions_of_a_pixel(max_shift: int) -> None:
    moves = centroids(drawn(bar(slice(12, 16), slice(12, 16)), max_shift)) - 13.5
    assert np.abs(moves).max() == pytest.approx(max_shift, abs=0.02)
    assert moves.mean(0) == pytest.approx([0, 0], abs=0.1)
    assert moves.std(0) == pytest.approx([max_shift / math.sqrt(3)] * 2, rel=0.05, abs=1e-3)


def test_affine_keeps_levels_from_0_to_255_and_black_beyond_the_edges(digits: Dataset) -> None:
    changed = augment(torch.full((200, 28, 28), 255, dtype=torch.uint8), "affine", 4, seeded())
    assert [changed.min().item(), changed.max().item()] == pytest.approx([0, 255])
    images = Images.on_device(digits.train, torch.device("cpu"))
    pixels, _ = images.augmented(torch.arange(200), "affine", 4, seeded())
    plain, _ = images[torch.arange(200)]
    assert pixels.dtype == plain.dtype
    assert pixels.shape == plain.shape
    assert pixels.min() >= plain.min() - 1e-6  # the level of black, after normalising


def test_a_run_with_affine_repeats_and_resumes_to_the_bit(few_digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    events, saved = [], [copy.deepcopy(state)]
    for event in train(CONFIG, few_digits, state=state):
        events.append(timeless(event))
        saved.append(copy.deepcopy(state))
    assert [timeless(event) for event in train(CONFIG, few_digits)] == events
    for position in (3, 7):
        assert [timeless(event) for event in train(CONFIG, few_digits, state=saved[position])] == events[position:]
    plain = [timeless(event) for event in train(replace(CONFIG, augmentation="none", max_shift=0), few_digits)]
    assert [event["loss"] for event in plain] != [event["loss"] for event in events]
