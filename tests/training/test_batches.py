"""Batches: orders and seeds. Every seed has its own numbers, and small seeds keep their old ones."""

import hashlib

import numpy as np
import pytest
import torch

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.training import batches
from mnist_core.training.batches import (
    FIRST_REPEATING_SEED,
    FIRST_REPEATING_STEP_SEED,
    sample_order,
    step_seed,
)
from mnist_core.training.networks.layers import Dropout
from mnist_core.training.train_state import TrainState

STRIDE = batches._SEED_STRIDE
SEEDS = [0, 1, 2, 4293, 4294, 10_000_000, 10_000_001, 10_174_746, 10_174_747, 10_174_748, 20_349_495]
LAST_SEED = int(SETTINGS["seed"].high)
EPOCHS = int(SETTINGS["epochs"].high)


def seeds_that_repeat(seeds: int, positions: int) -> list[int]:
    """Return those of the first `seeds` seeds that share a 32-bit generator seed with seed 0, within `positions`."""
    distances = np.arange(seeds, dtype=np.uint32) * np.uint32(STRIDE)  # wraps at 2^32, like the generator's seed
    return np.flatnonzero(np.minimum(distances, -distances) < positions).tolist()


def test_an_order_is_a_permutation_that_depends_on_seed_and_epoch_alone() -> None:
    for seed in (1, FIRST_REPEATING_SEED, LAST_SEED):
        order = sample_order(seed, 2, 50)
        assert order.dtype is torch.int64
        assert sorted(order.tolist()) == list(range(50))
        torch.manual_seed(seed)
        np.random.seed(seed % 100)
        assert torch.equal(sample_order(seed, 2, 50), order)


def test_every_pair_of_seed_and_epoch_has_its_own_order() -> None:
    """Also seeds ten million apart, and pairs that one number could confuse, such as (1, 2) and (2, 1)."""
    seeds = [*SEEDS, LAST_SEED - 10_000_000, LAST_SEED - 1, LAST_SEED, 1 + 2**32, FIRST_REPEATING_SEED + 2**32]
    orders = [tuple(sample_order(seed, epoch, 50).tolist()) for seed in seeds for epoch in range(1, EPOCHS + 1)]
    assert len(set(orders)) == len(seeds) * EPOCHS


def test_orders_of_small_seeds_never_repeat() -> None:
    assert seeds_that_repeat(FIRST_REPEATING_SEED + 1, EPOCHS) == [0, FIRST_REPEATING_SEED]


@pytest.mark.parametrize(
    ("seed", "epoch", "images", "digest"),
    [
        (0, 1, 54_000, "7c7da64cea801522"),
        (1, 1, 54_000, "c111698a1dd451fa"),
        (1, 50, 54_000, "f8190ea7973e1958"),
        (12_345, 3, 600, "69a6be5073adc1fc"),
        (FIRST_REPEATING_SEED - 1, 50, 600, "bc0fca04c5156241"),
        (FIRST_REPEATING_SEED, 1, 600, "4e282b52d5ff4867"),
        (LAST_SEED, 50, 54_000, "fbb7ae236f1c4130"),
    ],
)
def test_orders_stay_those_of_recorded_runs(seed: int, epoch: int, images: int, digest: str) -> None:
    order = sample_order(seed, epoch, images).numpy().astype("<i8")
    assert hashlib.sha256(order.tobytes()).hexdigest()[:16] == digest


def test_every_pair_of_seed_and_step_has_its_own_dropout_masks() -> None:
    """The generator on the CPU uses the lower 32 bits of the seed, so these must differ."""
    steps = [0, 1, 2, 938, 45_589, STRIDE - 1, STRIDE, STRIDE + 1, 3_000_000]
    seeds = [*SEEDS, 4295, 94_489, LAST_SEED, 1 + 2**32]
    generator_seeds = {step_seed(seed, step) % 2**32 for seed in seeds for step in steps}
    assert len(generator_seeds) == len(seeds) * len(steps)
    generator = torch.Generator()
    dropout = Dropout(0.5, generator)
    masks = set()
    for seed in seeds:
        generator.manual_seed(step_seed(seed, 938))
        masks.add(tuple(dropout(torch.ones(100)).tolist()))
    assert len(masks) == len(seeds)


def test_dropout_masks_of_small_seeds_never_repeat_and_stay_those_of_recorded_runs() -> None:
    assert seeds_that_repeat(FIRST_REPEATING_STEP_SEED + 1, STRIDE) == [0, FIRST_REPEATING_STEP_SEED]
    assert step_seed(FIRST_REPEATING_STEP_SEED - 1, STRIDE - 1) == FIRST_REPEATING_STEP_SEED * STRIDE - 1 < 2**32
    assert step_seed(1, 938) == STRIDE + 938


def test_every_seed_has_its_own_first_weights() -> None:
    seeds = [*SEEDS, LAST_SEED - 10_000_000, LAST_SEED - 1, LAST_SEED]
    weights = [TrainState.initial(TrainConfig(model="softmax", seed=seed, device="cpu")).model for seed in seeds]
    first_values = {tuple(next(model.parameters())[0].tolist()) for model in weights}
    assert len(first_values) == len(seeds)
