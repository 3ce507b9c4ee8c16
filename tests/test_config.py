"""Settings: their defaults, their ranges, and the errors for values out of range."""

import dataclasses
import math
import re
from typing import Any

import pytest

from mnist_core.config import LOG_INTERVAL, SETTINGS, TrainConfig
from mnist_core.errors import ConfigError

RANGES: dict[str, tuple[str, Any, Any]] = {
    "batch_size": ("Batch size", 1, 1024),
    "lr": ("Learning rate", 0.0001, 1.0),
    "momentum": ("Momentum", 0.0, 0.99),
    "epochs": ("Epochs", 1, 50),
    "weight_decay": ("Weight decay", 0.0, 0.1),
    "label_smoothing": ("Label smoothing", 0.0, 0.5),
    "max_shift": ("Random shift", 0, 4),
    "gamma": ("Gamma", 0.01, 1.0),
    "seed": ("Seed", 0, 2**31 - 1),
    "test_batch_size": ("Test batch size", 1, 10_000),
    "validation_fraction": ("Validation fraction", 0.0, 0.5),
    "patience": ("Patience", 0, 100),
    "min_delta": ("Least improvement", 0.0, 1.0),
    "train_fraction": ("Training fraction", 0.01, 1.0),
}
WHOLE = ("batch_size", "epochs", "max_shift", "patience", "seed", "test_batch_size")


def test_defaults_are_the_classic_scripts_with_3_epochs_and_a_validation_split() -> None:
    assert dataclasses.asdict(TrainConfig()) == {
        "batch_size": 64,
        "lr": 0.01,
        "momentum": 0.5,
        "epochs": 3,
        "model": "classic",
        "optimizer": "sgd",
        "weight_decay": 0.0,
        "label_smoothing": 0.0,
        "augmentation": "none",
        "max_shift": 0,
        "last_batch": "auto",
        "schedule": "constant",
        "gamma": 0.7,
        "precision": "fp32",
        "dataset": "auto",
        "seed": 1,
        "test_batch_size": 1000,
        "validation_fraction": 0.1,
        "train_fraction": 1.0,
        "skip_test": False,
        "patience": 0,
        "monitor": "loss",
        "min_delta": 0.0,
        "skip_norms": False,
        "device": "auto",
        "save_model": False,
    }
    assert LOG_INTERVAL.default == 10


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"max_shift": 2}, ("shift", 2)),  # as in all runs before there was a choice
        ({"augmentation": "none", "max_shift": 2}, ("shift", 2)),
        ({"augmentation": "shift", "max_shift": 1}, ("shift", 1)),
        ({"augmentation": "shift", "max_shift": 0}, ("none", 0)),
        ({"augmentation": "affine"}, ("affine", 0)),
        ({"augmentation": "affine", "max_shift": 3}, ("affine", 3)),
        ({"augmentation": "none"}, ("none", 0)),
    ],
)
def test_augmentation_and_shift_always_fit(given: dict[str, Any], expected: tuple[str, int]) -> None:
    for config in (TrainConfig(**given), TrainConfig.from_stored(given)):
        assert (config.augmentation, config.max_shift) == expected


def test_every_number_has_a_range() -> None:
    numbers = {name for name, setting in SETTINGS.items() if setting.kind in (int, float)}
    assert numbers == set(RANGES)


@pytest.mark.parametrize("name", RANGES)
def test_both_ends_of_a_range_belong_to_it(name: str) -> None:
    _, low, high = RANGES[name]
    for edge in (low, high):
        assert getattr(TrainConfig(**{name: edge}), name) == edge


@pytest.mark.parametrize("name", RANGES)
def test_a_value_beyond_its_range_is_refused_with_label_and_range(name: str) -> None:
    label, low, high = RANGES[name]
    below, above = (low - 1, high + 1) if name in WHOLE else (low - 0.00005, high + 0.01)
    for value in (below, above):
        with pytest.raises(ConfigError) as caught:
            TrainConfig(**{name: value})
        message = re.fullmatch(r"(.+) must be between (.+) and (.+), got (.+)\.", str(caught.value))
        assert message, str(caught.value)
        assert message[1] == label
        assert tuple(map(float, message.groups()[1:])) == pytest.approx((low, high, value))
        assert caught.value.field == name


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "0.1", "", None, True, [1], 1j])
@pytest.mark.parametrize("name", RANGES)
def test_a_value_that_is_no_number_is_refused(name: str, value: Any) -> None:
    wanted = "a whole number" if name in WHOLE else "a number"
    with pytest.raises(ConfigError, match=f"{RANGES[name][0]} must be {wanted} between") as caught:
        TrainConfig(**{name: value})
    assert str(caught.value).endswith(f"got {value!r}.")


def test_a_number_too_large_for_a_float_is_refused_like_any_other() -> None:
    with pytest.raises(ConfigError, match="Seed must be"):
        TrainConfig(seed=10**400)


@pytest.mark.parametrize("name", WHOLE)
def test_a_fraction_is_refused_as_a_whole_number(name: str) -> None:
    with pytest.raises(ConfigError, match=r"must be a whole number between .*, got 1.5"):
        SETTINGS[name].validate(1.5)


def test_a_run_without_any_evaluation_is_refused() -> None:
    assert TrainConfig(skip_test=True).skip_test
    with pytest.raises(ConfigError, match=r"^Skip test needs a validation fraction above 0: .*\.$") as caught:
        TrainConfig(skip_test=True, validation_fraction=0.0)
    assert caught.value.field == "skip_test"


def test_values_get_their_settings_type() -> None:
    config = TrainConfig(batch_size=32.0, lr=1)  # type: ignore[arg-type]  # as a slider may hand them over
    assert (type(config.batch_size), type(config.lr)) == (int, float)


def test_small_numbers_are_written_without_an_exponent() -> None:
    with pytest.raises(ConfigError, match=r"^Learning rate must be between 0.0001 and 1, got 0.00005\.$"):
        TrainConfig(lr=0.00005)


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (-1e-12, "-0.000000000001"),
        (0.99000000001, "0.99000000001"),
        (math.nextafter(0.99, 1), "0.9900000000000001"),
        (1.5e16 + 2, "15000000000000002"),
    ],
)
def test_a_value_just_outside_is_not_rounded_into_the_range(value: float, written: str) -> None:
    with pytest.raises(ConfigError) as caught:
        TrainConfig(momentum=value)
    assert str(caught.value) == f"Momentum must be between 0 and 0.99, got {written}."


@pytest.mark.parametrize("name", ["dataset", "device"])
@pytest.mark.parametrize("value", ["", "AUTO", 3, None])
def test_a_choice_must_be_one_of_the_options(name: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"{SETTINGS[name].label} must be one of auto, .*, got {value!r}\."):
        TrainConfig(**{name: value})


@pytest.mark.parametrize("value", [1, 0, "true", None])
def test_save_model_is_true_or_false(value: Any) -> None:
    with pytest.raises(ConfigError, match="Save model must be true or false"):
        TrainConfig(save_model=value)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("batch_size", "128", 128),
        ("batch_size", " 128 ", 128),
        ("batch_size", "128.0", 128),
        ("lr", "1", 1.0),
        ("lr", "5e-3", 0.005),
        ("momentum", ".9", 0.9),
        ("dataset", "kmnist", "kmnist"),
    ],
)
def test_typed_text_is_read_as_the_settings_type(name: str, text: str, value: object) -> None:
    parsed = SETTINGS[name].parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("batch_size", "64.5", "Batch size must be a whole number between 1 and 1024, got 64.5."),
        ("batch_size", "many", "Batch size must be a whole number between 1 and 1024, got 'many'."),
        ("batch_size", "0", "Batch size must be between 1 and 1024, got 0."),
        ("lr", "", "Learning rate must be a number between 0.0001 and 1, got ''."),
        ("lr", "nan", "Learning rate must be a number between 0.0001 and 1, got nan."),
        ("lr", "0,1", "Learning rate must be a number between 0.0001 and 1, got '0,1'."),
        ("momentum", "-0.1", "Momentum must be between 0 and 0.99, got -0.1."),
        ("device", "tpu", "Device must be one of auto, cpu, cuda, mps, got 'tpu'."),
    ],
)
def test_typed_text_that_cannot_be_read_is_refused(name: str, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SETTINGS[name].parse(text)
    assert str(caught.value) == problem


def test_a_config_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainConfig().lr = 0.1  # type: ignore[misc]


@pytest.mark.parametrize(("images", "steps"), [(64, 3), (65, 6), (60_000, 2814)])
def test_total_steps_count_the_smaller_last_batch(images: int, steps: int) -> None:
    assert TrainConfig(batch_size=64, epochs=3, last_batch="keep").total_steps(images) == steps


@pytest.mark.parametrize(
    ("last_batch", "images", "sizes"),
    [
        ("keep", 130, [64, 64, 2]),
        ("merge", 130, [64, 66]),
        ("merge", 191, [64, 127]),
        ("merge", 63, [63]),
        ("drop", 130, [64, 64]),
        ("drop", 63, []),
        ("auto", 128 + 31, [64, 64 + 31]),
        ("auto", 128 + 32, [64, 64, 32]),
        ("auto", 128, [64, 64]),
        ("merge", 0, []),
    ],
)
def test_the_last_batch_of_an_epoch(last_batch: str, images: int, sizes: list[int]) -> None:
    config = TrainConfig(last_batch=last_batch)
    trained: list[int] = []
    while size := config.next_batch_size(images - sum(trained), 64):
        assert config.steps_left(images - sum(trained), 64) == len(sizes) - len(trained)
        trained.append(size)
    assert trained == sizes


def test_auto_keeps_every_batch_of_the_classic_script() -> None:
    assert TrainConfig(validation_fraction=0).steps_left(60_000, 256) == 235


def test_settings_stored_before_there_was_a_last_batch_kept_it() -> None:
    assert TrainConfig.from_stored({"lr": 0.1}) == TrainConfig(lr=0.1, last_batch="keep")
    assert TrainConfig.from_stored({"last_batch": "drop"}).last_batch == "drop"


def test_a_batch_larger_than_the_training_set_is_refused() -> None:
    TrainConfig(batch_size=270).check_fits(270)
    with pytest.raises(ConfigError, match=r"Batch size must be between 1 and 270, .* got 271\.") as caught:
        TrainConfig(batch_size=271).check_fits(270)
    assert caught.value.field == "batch_size"
