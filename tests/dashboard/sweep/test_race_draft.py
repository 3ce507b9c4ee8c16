"""The lanes of the next race: what is suggested, what a cookie may hold, and what the form has no room for."""

from __future__ import annotations

from typing import Any

import pytest

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_dashboard.sweep import race_draft
from mnist_dashboard.sweep.race_draft import DEFAULTS, ON_TRAIN
from mnist_dashboard.train.settings.draft import Draft
from mnist_dashboard.ui.number_field import range_problem


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("lr", 0.01, [0.003, 0.01, 0.03]),
        ("lr", 0.012, [0.003, 0.012, 0.03]),
        ("lr", 1.0, [0.1, 0.3, 1.0]),
        ("batch_size", 64, [32, 64, 128]),
        ("batch_size", 1024, [256, 512, 1024]),
        ("optimizer", "adam", ["adam", "sgd", "nesterov"]),
        ("momentum", 0.5, [0.37, 0.5, 0.62]),
    ],
)
def test_values_around_that_of_the_sliders_are_suggested(name: str, value: Any, expected: list[Any]) -> None:
    suggested = race_draft.suggest(name, value, 3)
    assert suggested == expected
    assert value in suggested


@pytest.mark.parametrize("name", race_draft.RACEABLE)
@pytest.mark.parametrize("count", [2, 4])
def test_every_setting_that_can_differ_has_suggestions_in_its_range(name: str, count: int) -> None:
    default = getattr(TrainConfig(), name)
    suggested = race_draft.suggest(name, default, count)
    assert len(suggested) == count
    assert default in suggested
    assert not any(range_problem(SETTINGS[name], value) for value in suggested)


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"differing": "lr", "lanes": 3},
        {"differing": ["seed", 7], "lanes": [{}], "epochs": "many", "base": "x"},
        {"differing": ["lr"], "lanes": [{"lr": -1}, {"lr": "fast"}, {"lr": None}], "epochs": -1},
        {"differing": ["lr"], "lanes": [1, 2, 3], "epochs": True},
    ],
)
def test_a_forged_cookie_leaves_the_suggested_lanes(kept: dict[str, Any]) -> None:
    draft = race_draft.read_kept(kept, TrainConfig())
    assert draft.differing == ["lr"]
    assert [lane.values for lane in draft.lanes] == [{"lr": 0.003}, {"lr": 0.01}, {"lr": 0.03}]
    assert draft.base == ON_TRAIN


def test_what_a_cookie_has_kept_is_read() -> None:
    lanes = [{"lr": 0.1, "optimizer": "adam"}, {"lr": 0.2, "optimizer": "sgd"}]
    kept = {"differing": ["lr", "optimizer"], "lanes": lanes, "epochs": 5, "base": DEFAULTS}
    draft = race_draft.read_kept(kept, TrainConfig())
    assert ([lane.values for lane in draft.lanes], draft.epochs, draft.base) == (lanes, 5, DEFAULTS)


def test_a_race_with_more_differences_than_the_form_has_room_for_is_refused() -> None:
    with pytest.raises(ConfigError, match="The form has room for 2 differing settings, and this race has 3: learning"):
        race_draft.load_race([TrainConfig()], ["lr", "momentum", "optimizer"])


@pytest.mark.parametrize("shift", [0, 3])
def test_lanes_train_the_augmentation_that_they_show(shift: int) -> None:
    lanes = [{"augmentation": name} for name in ("none", "shift", "affine")]
    draft = race_draft.read_kept({"differing": ["augmentation"], "lanes": lanes, "base": ON_TRAIN}, TrainConfig())
    train = Draft({}, {}, {}, TrainConfig(max_shift=shift), "")
    entries = race_draft.check(draft, train)
    assert entries.problem == ""
    assert [config.augmentation for config in entries.configs] == ["none", "shift", "affine"]
    assert [config.max_shift for config in entries.configs] == [0, shift or 2, shift or 2]
