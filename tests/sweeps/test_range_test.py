"""The learning-rate range test: the limits it reads off a ramp, and real ramps of small networks."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import Any

import numpy as np
import pytest
import torch

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import split_validation
from mnist_core.errors import ConfigError, MnistError
from mnist_core.store import RunStore
from mnist_core.sweeps import range_test
from mnist_core.sweeps.range_test import BATCHES, HIGHEST_RATE, LOWEST_RATE, find_and_save, find_rate_zones, find_zones
from mnist_core.sweeps.rate_zones import find_zones_of, zone_settings
from tests.support.networks import TINY, tiny_source

RAMP = np.geomspace(LOWEST_RATE, HIGHEST_RATE, BATCHES).tolist()
CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, momentum=0.9, device="cpu")


def valley(end: float = 1.05) -> list[float]:
    """Smoothed losses that fall from 2.3 to 0.5 at the rate 0.094, and reach `end` five batches later, at 0.13."""
    lowest_at = sum(rate <= 0.1 for rate in RAMP)
    return [*np.linspace(2.3, 0.5, lowest_at), *np.linspace(0.5, end, 6)[1:]]


def test_safe_ends_at_the_lowest_loss_and_diverging_begins_where_the_ramp_ended() -> None:
    losses = valley()
    zones = find_zones(RAMP[: len(losses)], losses, momentum=0.0)
    assert (zones.safe_up_to, zones.diverges_above, zones.suggested) == (0.07, 0.15, 0.03)
    assert zones.rates[-1] == pytest.approx(RAMP[len(losses) - 1], rel=1e-3)
    assert zones.losses[-6:] == [0.5, 0.61, 0.72, 0.83, 0.94, 1.05]


@pytest.mark.parametrize(("momentum", "safe"), [(0.5, 0.07), (0.9, 0.05), (0.95, 0.02), (0.99, 0.02)])
def test_momentum_moves_the_limits_down_by_as_many_batches_as_its_gradients_are_old(
    momentum: float, safe: float
) -> None:
    losses = valley()
    assert find_zones(RAMP[: len(losses)], losses, momentum=momentum).safe_up_to == safe


def test_a_loss_that_doubles_but_stays_low_does_not_diverge() -> None:
    losses = valley(end=0.99)
    assert find_zones(RAMP[: len(losses)], losses, momentum=0.0).diverges_above is None


def test_a_loss_that_becomes_no_number_diverges() -> None:
    losses = [*valley(), math.nan]
    zones = find_zones(RAMP[: len(losses)], losses, momentum=0.0)
    assert (zones.safe_up_to, zones.diverges_above) == (0.07, 0.15)
    assert zones.losses[-1] is None


def test_every_rate_is_safe_if_the_loss_never_rises() -> None:
    zones = find_zones(RAMP, np.linspace(2.3, 0.2, BATCHES).tolist(), momentum=0.9)
    assert (zones.safe_up_to, zones.diverges_above, zones.suggested) == (1.0, None, 0.3)


def test_no_rate_is_safe_if_the_lowest_one_is_too_high() -> None:
    losses = [2.3, 2.0, *np.linspace(2.1, 5.0, 6).tolist()]
    zones = find_zones(RAMP[: len(losses)], losses, momentum=0.9)
    assert (zones.safe_up_to, zones.diverges_above, zones.suggested) == (None, SETTINGS["lr"].low, None)


@pytest.mark.parametrize("losses", [[2.3] * BATCHES, [2.3, 2.29, 2.4, 3.0, 5.0], [math.nan]])
def test_a_loss_that_never_falls_is_said_in_a_sentence(losses: list[float]) -> None:
    with pytest.raises(MnistError, match=r"^No learning rate from 0\.0001 to .* lowers the loss with these settings"):
        find_zones(RAMP[: len(losses)], losses, momentum=0.0)


def test_limits_are_rounded_away_from_danger() -> None:
    assert [range_test._round_rate(0.09, direction) for direction in (-1, 0, 1)] == [0.07, 0.1, 0.1]
    assert [range_test._round_rate(0.07, direction) for direction in (-1, 0, 1)] == [0.07] * 3


def test_a_real_ramp_stops_when_it_diverges_and_repeats(digits: Dataset) -> None:
    zones = find_rate_zones(CONFIG, digits)
    assert zones.settings == zone_settings(CONFIG)
    assert 10 < len(zones.rates) < BATCHES
    assert zones.safe_up_to is not None
    assert zones.suggested is not None
    assert 0.001 < zones.suggested < zones.safe_up_to < 0.2
    again = find_rate_zones(dataclasses.replace(CONFIG, seed=5, lr=0.3, epochs=1, schedule="one-cycle"), digits)
    assert dataclasses.replace(again, seconds=0) == dataclasses.replace(zones, seconds=0)


def test_momentum_and_batch_size_move_the_zones(digits: Dataset) -> None:
    def safe(**changes: Any) -> float:
        found = find_rate_zones(dataclasses.replace(CONFIG, model="mlp", **changes), digits).safe_up_to
        assert found is not None
        return found

    assert safe(momentum=0.5) > safe() > safe(batch_size=5)


def test_neither_validation_nor_test_images_are_seen(digits: Dataset) -> None:
    zones = find_rate_zones(CONFIG, digits)
    validation = split_validation(len(digits.train), CONFIG.validation_fraction)[1]
    images = digits.train.images.copy()
    images[validation] = 255 - images[validation]
    other_test = dataclasses.replace(digits.test, images=255 - digits.test.images)
    changed = Dataset(digits.name, dataclasses.replace(digits.train, images=images), other_test)
    assert find_rate_zones(CONFIG, changed).losses == zones.losses


def test_a_batch_that_the_dataset_cannot_fill_is_refused(digits: Dataset) -> None:
    with pytest.raises(ConfigError, match=r"Batch size must be between 1 and 270"):
        find_rate_zones(dataclasses.replace(CONFIG, batch_size=512), digits)


@pytest.mark.usefixtures("small_mnist")
def test_a_users_own_network_is_tested_from_its_recorded_source(store: RunStore) -> None:
    source = tiny_source(TINY)
    config = dataclasses.replace(CONFIG, model=source.network("Tiny").name)
    with pytest.raises(ConfigError):
        find_and_save(config, store)
    assert find_zones_of(config) is None
    store.commands.record_network(source)
    torch.manual_seed(3)
    zones = find_and_save(config, store)
    assert zones.safe_up_to is not None
    assert find_zones_of(config) == zones


def test_large_batches_are_tested_with_fewer_images(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_test, "MAX_BATCH_SIZE", CONFIG.batch_size)
    large = find_rate_zones(dataclasses.replace(CONFIG, batch_size=60), digits)
    small = find_rate_zones(CONFIG, digits)
    assert (large.safe_up_to, large.losses) == (small.safe_up_to, small.losses)
    assert large.settings["batch_size"] == 60


@pytest.mark.usefixtures("small_mnist")
def test_a_requested_test_remembers_why_it_found_nothing(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_test, "die_with_parent", lambda: None)
    refused = dataclasses.replace(CONFIG, batch_size=1024)
    for config in (CONFIG, refused):
        range_test.run_requested_test(json.dumps(dataclasses.asdict(config)))
    found = find_zones_of(CONFIG)
    assert found is not None
    assert (found.problem, found.safe_up_to is not None) == ("", True)
    kept = find_zones_of(refused)
    assert kept is not None
    assert kept.problem.startswith("Batch size must be between 1 and")
