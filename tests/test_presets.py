"""Presets: what each sets and keeps, and how it is recognised."""

import dataclasses
from typing import Any

import pytest

from mnist_core import presets
from mnist_core.config import NOT_TUNED, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.presets import CUSTOM, DEFAULTS, NAMES, PRESETS

DEFAULT_VALUES = dataclasses.asdict(TrainConfig())
EVERYTHING_ELSE = {
    "batch_size": 7,
    "lr": 0.3,
    "momentum": 0.1,
    "epochs": 49,
    "model": "softmax",
    "optimizer": "adam",
    "weight_decay": 0.05,
    "label_smoothing": 0.2,
    "augmentation": "affine",
    "max_shift": 3,
    "last_batch": "drop",
    "schedule": "step",
    "gamma": 0.2,
    "precision": "bf16",
    "dataset": "kmnist",
    "seed": 42,
    "test_batch_size": 77,
    "validation_fraction": 0.3,
    "train_fraction": 0.5,
    "skip_test": True,
    "patience": 5,
    "monitor": "accuracy",
    "min_delta": 0.01,
    "skip_norms": True,
    "device": "cuda",
    "save_model": True,
}


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_sets_how_the_network_learns_and_leaves_the_rest(name: str) -> None:
    applied = presets.apply_preset(name, EVERYTHING_ELSE)
    for field, value in dataclasses.asdict(TrainConfig(**applied)).items():
        if field in ("dataset", "seed", "test_batch_size", "skip_norms", "device", "save_model"):
            assert value == EVERYTHING_ELSE[field]
        else:
            assert value == PRESETS.get(name, {}).get(field, DEFAULT_VALUES[field]), field


def test_every_choice_is_described() -> None:
    assert set(presets.DESCRIPTIONS) == {*NAMES, CUSTOM}


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_names_a_setting_that_presets_leave_alone(name: str) -> None:
    assert not set(PRESETS[name]) & set(NOT_TUNED)


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_recognised_whatever_the_other_settings_are(name: str) -> None:
    assert presets.match_preset(presets.apply_preset(name, DEFAULT_VALUES)) == name
    assert presets.match_preset(presets.apply_preset(name, EVERYTHING_ELSE)) == name


@pytest.mark.parametrize("name", NAMES)
def test_settings_with_one_change_match_no_preset(name: str) -> None:
    assert presets.match_preset({**presets.apply_preset(name, DEFAULT_VALUES), "batch_size": 63}) == CUSTOM


@pytest.mark.parametrize(
    ("base", "change", "name"),
    [
        (DEFAULTS, {"gamma": 0.3}, DEFAULTS),
        (DEFAULTS, {"momentum": 0.3}, CUSTOM),
        ("PyTorch example", {"momentum": 0.3}, "PyTorch example"),
        ("PyTorch example", {"gamma": 0.3}, CUSTOM),
        (DEFAULTS, {"monitor": "accuracy", "min_delta": 0.01}, DEFAULTS),
        (DEFAULTS, {"patience": 2}, CUSTOM),
    ],
)
def test_a_setting_without_effect_does_not_count(base: str, change: dict[str, Any], name: str) -> None:
    assert presets.match_preset({**presets.apply_preset(base, DEFAULT_VALUES), **change}) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Fast 99", "Fast 99"),
        ("fast-99", "Fast 99"),
        (" FAST 99 ", "Fast 99"),
        ("fast-99.5", "Fast 99.5"),
        ("pytorch-Example", "PyTorch example"),
        ("defaults", DEFAULTS),
    ],
)
def test_a_preset_is_found_in_any_case_and_with_dashes(text: str, name: str) -> None:
    assert presets.find_preset(text) == name


@pytest.mark.parametrize("text", ["", "fast", "fast99", "Custom"])
def test_an_unknown_preset_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        presets.find_preset(text)
    wanted = "Defaults, Classic script, PyTorch example, Fast 99, Fast 99.5"
    assert str(caught.value) == f"Preset must be one of {wanted}, got {text!r}."


def test_a_run_of_the_classic_script_from_before_there_was_a_last_batch_is_recognised() -> None:
    values = presets.apply_preset("Classic script", DEFAULT_VALUES)
    assert presets.match_preset(values | {"last_batch": "keep"}) == "Classic script"
    assert presets.match_preset(values | {"last_batch": "drop"}) == CUSTOM
