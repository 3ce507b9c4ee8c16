"""Zones of learning rates: words, and what the runs folder remembers of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.data import idx
from mnist_core.sweeps import rate_zones
from mnist_core.sweeps.rate_zones import (
    DIVERGES,
    RISKY,
    SAFE,
    RateZones,
    find_nearest_zones,
    find_zones_of,
    save_zones,
    zone_settings,
)

CONFIG = TrainConfig(momentum=0.9)


def zones_of(config: TrainConfig, safe_up_to: float = 0.1) -> RateZones:
    return RateZones(
        settings=zone_settings(config),
        safe_up_to=safe_up_to,
        diverges_above=0.3,
        suggested=0.03,
        rates=[0.0001, 0.001],
        losses=[2.3, None],
        seconds=1.5,
    )


@pytest.mark.parametrize(
    ("lr", "zone", "words"),
    [
        (0.05, SAFE, "Safe up to 0.1"),
        (0.1, SAFE, "Safe up to 0.1"),
        (0.11, RISKY, "Risky above 0.1"),
        (0.3, RISKY, "Risky above 0.1"),
        (0.5, DIVERGES, "Diverges above 0.3"),
    ],
)
def test_a_rate_is_in_one_zone(lr: float, zone: str, words: str) -> None:
    zones = zones_of(CONFIG)
    assert (zones.zone(lr), zones.describe(lr)) == (zone, words)


@pytest.mark.parametrize(
    ("safe_up_to", "diverges_above", "words"),
    [
        (0.1, 0.3, "Safe up to 0.1, risky up to 0.3, diverges above."),
        (0.1, None, "Safe up to 0.1, risky up to 1."),
        (1.0, None, "Safe up to 1."),
        (None, 0.001, "Risky up to 0.001, diverges above."),
    ],
)
def test_all_zones_are_one_sentence(safe_up_to: float | None, diverges_above: float | None, words: str) -> None:
    zones = RateZones(settings={}, safe_up_to=safe_up_to, diverges_above=diverges_above)
    assert zones.describe_all() == words


def test_a_rate_is_risky_if_none_is_safe() -> None:
    zones = RateZones(settings={}, diverges_above=0.001)
    assert (zones.zone(0.0005), zones.describe(0.0005)) == (RISKY, "Risky")


def test_zones_belong_to_the_settings_that_move_them() -> None:
    save_zones(zones_of(CONFIG))
    assert find_zones_of(CONFIG) == zones_of(CONFIG)
    assert find_zones_of(replace(CONFIG, lr=0.5, epochs=9, seed=4, schedule="step")) == zones_of(CONFIG)
    for change in ({"momentum": 0.5}, {"batch_size": 8}, {"model": "mlp"}, {"optimizer": "nesterov"}):
        assert find_zones_of(replace(CONFIG, **change)) is None
    adam = replace(CONFIG, optimizer="adam")
    save_zones(zones_of(adam))
    assert find_zones_of(replace(adam, momentum=0.1)) is not None, "momentum has no effect on Adam"


def test_zones_of_the_built_in_digits_do_not_stand_for_mnist_once_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "has_dataset", lambda _folder: False)
    save_zones(zones_of(CONFIG))
    assert find_zones_of(replace(CONFIG, dataset="mnist-5k")) == find_zones_of(CONFIG) == zones_of(CONFIG)
    monkeypatch.setattr(idx, "has_dataset", lambda _folder: True)
    assert find_zones_of(CONFIG) is None
    nearest = find_nearest_zones(CONFIG)
    assert nearest is not None
    assert nearest[1] == {"dataset": "mnist-5k"}


def test_a_second_test_replaces_the_first() -> None:
    save_zones(zones_of(CONFIG))
    save_zones(zones_of(CONFIG, safe_up_to=0.2))
    assert find_zones_of(CONFIG) == zones_of(CONFIG, safe_up_to=0.2)
    assert len(rate_zones._read()) == 1


def test_the_most_similar_zone_settings_are_found_with_what_differs() -> None:
    assert find_nearest_zones(CONFIG) is None
    save_zones(zones_of(CONFIG))
    far = replace(CONFIG, momentum=0.5, batch_size=16)
    save_zones(zones_of(far))
    assert find_nearest_zones(replace(CONFIG, batch_size=16)) == (zones_of(far), {"momentum": 0.5})
    assert find_nearest_zones(CONFIG) == (zones_of(CONFIG), {})
    assert find_nearest_zones(replace(CONFIG, model="mlp")) is None, "another network has other zones"
    save_zones(RateZones(settings=zone_settings(CONFIG), problem="It failed."))
    assert find_nearest_zones(CONFIG) == (zones_of(far), {"batch_size": 16, "momentum": 0.5})


def test_only_the_newest_zones_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_zones, "MAX_REMEMBERED", 2)
    for batch_size in (1, 2, 3):
        save_zones(zones_of(replace(CONFIG, batch_size=batch_size)))
    assert find_zones_of(replace(CONFIG, batch_size=1)) is None
    assert find_zones_of(replace(CONFIG, batch_size=2)) is not None


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"method": 0, "zones": []}', '{"method": 1, "zones": [{"what": 1}]}', '{"method": 1}']
)
def test_a_damaged_file_or_one_of_another_method_counts_as_none(places: Path, text: str) -> None:
    file = places / "runs" / "derived" / "rate_zones.json"
    file.parent.mkdir()
    file.write_text(text)
    assert find_zones_of(CONFIG) is None
    save_zones(zones_of(CONFIG))
    assert find_zones_of(CONFIG) == zones_of(CONFIG)
