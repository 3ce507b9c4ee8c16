"""The share of the training images that a run trains on."""

import numpy as np
import pytest

from mnist_core.data.splits import choose_training, split_training
from mnist_core.errors import ConfigError

RANDOM = np.random.RandomState(3)
LABELS = RANDOM.choice(10, 1000, p=[0.28, *[0.08] * 9]).astype(np.uint8)
INDICES = np.sort(RANDOM.permutation(1000)[:900])


@pytest.mark.parametrize("fraction", [0.01, 0.1, 0.25, 0.505, 0.99])
def test_the_choice_has_the_same_share_of_each_digit(fraction: float) -> None:
    chosen = choose_training(LABELS, INDICES, fraction)
    assert len(chosen) == round(900 * fraction)
    assert (np.diff(chosen) > 0).all()
    assert np.isin(chosen, INDICES).all()
    counts, wanted = (np.bincount(LABELS[part], minlength=10) for part in (chosen, INDICES))
    assert (abs(counts - fraction * wanted) <= 1).all()


def test_the_choice_is_always_the_same_and_part_of_a_larger_one() -> None:
    np.random.seed(0)
    tenth = choose_training(LABELS, INDICES, 0.1)
    np.random.seed(1)
    assert (choose_training(LABELS, INDICES, 0.1) == tenth).all()
    assert np.isin(tenth, choose_training(LABELS, INDICES, 0.2)).all()
    assert tenth[:8].tolist() != INDICES[:8].tolist()
    # Never change the choice: stored runs must repeat.
    assert tenth[:8].tolist() == [31, 33, 40, 43, 50, 51, 53, 63]


def test_the_whole_split_stays_as_it_is() -> None:
    assert choose_training(LABELS, INDICES, 1.0) is INDICES


def test_the_validation_split_does_not_depend_on_the_share() -> None:
    whole, validation = split_training(LABELS, 0.1, 1.0)
    half, same = split_training(LABELS, 0.1, 0.5)
    assert (validation == same).all()
    assert (len(whole), len(half), len(validation)) == (900, 450, 100)
    assert not np.isin(half, validation).any()


def test_at_least_one_image_is_chosen() -> None:
    assert len(choose_training(LABELS, INDICES[:3], 0.01)) == 1


@pytest.mark.parametrize("fraction", [0.0, 1.01, float("nan")])
def test_a_share_out_of_range_is_refused(fraction: float) -> None:
    with pytest.raises(ConfigError, match="Training fraction must be"):
        choose_training(LABELS, INDICES, fraction)
