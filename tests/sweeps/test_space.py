"""Ranges and lists of values that a sweep searches, and the sentences that refuse others."""

from typing import Any

import pytest

from mnist_core.config import SETTINGS
from mnist_core.errors import ConfigError
from mnist_core.sweeps.space import NOT_SEARCHED, Range, Values, parameter_from_json, parse_parameter


@pytest.mark.parametrize(
    ("name", "text", "parameter"),
    [
        ("lr", "1e-3:1:log", Range("lr", 0.001, 1.0, log=True)),
        ("lr", "0.001:1", Range("lr", 0.001, 1.0)),
        ("lr", "0.001:1:linear:4", Range("lr", 0.001, 1.0, points=4)),
        ("batch_size", "16:256:log:5", Range("batch_size", 16, 256, log=True, points=5)),
        ("batch_size", "32,64,128", Values("batch_size", (32, 64, 128))),
        ("optimizer", "sgd,adam", Values("optimizer", ("sgd", "adam"))),
        ("skip_norms", "true", True),
        ("epochs", "2", 2),
        ("model", "tiny.py:Tiny", "tiny.py:Tiny"),
    ],
)
def test_text_becomes_a_parameter_or_one_value(name: str, text: str, parameter: Any) -> None:
    assert parse_parameter(name, text) == parameter


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("lr", "1:0.1", "The range of the learning rate must begin below its end, got 1 to 0.1."),
        ("lr", "0.1:0.1", "The range of the learning rate must begin below its end, got 0.1 to 0.1."),
        ("lr", "0.1:2", "Learning rate must be between 0.0001 and 1, got 2."),
        (
            "momentum",
            "0:0.9:log",
            "A logarithmic range of the momentum must begin above 0, got 0. Begin it higher.",
        ),
        ("lr", "0.1:1:cubic", "A range of the learning rate must look like LOW:HIGH, LOW:HIGH:log or LOW:HIGH:log:5"),
        ("lr", "0.1:1:log:0", "A range of the learning rate must look like LOW:HIGH"),
        ("lr", f"0.1:1:{'9' * 5000}", "A range of the learning rate must look like LOW:HIGH"),
        ("lr", "0.1:1:log:1", "A range of the learning rate must have 2 to 100 points in a grid, got 1."),
        ("lr", "0.1:nan", "Learning rate must be a number between 0.0001 and 1, got nan."),
        ("batch_size", "16,0.5", "Batch size must be a whole number between 1 and 1024, got 0.5."),
        ("batch_size", "32,32", "Batch size must have 2 to 100 different values to search, got 1."),
        ("optimizer", "sgd,lion", "Optimizer must be one of sgd, nesterov, adam, adadelta, got 'lion'."),
        ("seed", "1,2", "Seed cannot be searched: trials with different values of it could not be compared."),
        ("validation_fraction", "0.1:0.2", "Validation fraction cannot be searched"),
    ],
)
def test_unacceptable_text_is_refused_in_one_sentence(name: str, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_parameter(name, text)
    assert str(refused.value).startswith(sentence)
    assert refused.value.field == name


def test_choices_have_no_range() -> None:
    with pytest.raises(ConfigError, match=r"Optimizer has no range: give the values to try, separated by commas."):
        Range("optimizer", 0, 1)


def test_a_grid_of_a_range_has_both_ends_and_even_steps() -> None:
    assert Range("momentum", 0.0, 0.9, points=4).grid() == pytest.approx((0, 0.3, 0.6, 0.9))
    assert Range("lr", 0.001, 1.0, log=True, points=4).grid() == pytest.approx((0.001, 0.01, 0.1, 1))
    assert Range("batch_size", 16, 256, log=True, points=5).grid() == (16, 32, 64, 128, 256)


def test_numbers_have_four_digits_and_stay_in_their_range() -> None:
    rate = Range("lr", 0.00123456, 0.123456, log=True)
    assert (rate.round(0.0314159), rate.round(0.00123457), rate.round(0.12346)) == (0.03142, 0.001235, 0.123456)
    assert Range("batch_size", 16, 256).round(31.6) == 32
    assert Range("lr", 0.001, 1.0, log=True, points=6).grid() == (0.001, 0.003981, 0.01585, 0.0631, 0.2512, 1.0)


@pytest.mark.parametrize("name", ["patience", "monitor", "min_delta", "train_fraction", "seed", "device", "skip_test"])
def test_what_judges_trials_cannot_be_searched(name: str) -> None:
    assert name in NOT_SEARCHED
    with pytest.raises(ConfigError, match="cannot be searched"):
        Values(name, (SETTINGS[name].default, SETTINGS[name].default))


def test_a_grid_of_few_whole_numbers_repeats_none() -> None:
    assert Range("epochs", 1, 3, points=9).grid() == (1, 2, 3)


@pytest.mark.parametrize(
    "parameter", [Range("lr", 0.001, 1.0, log=True, points=3), Values("optimizer", ("sgd", "adam"))]
)
def test_parameters_survive_json(parameter: Range | Values) -> None:
    assert parameter_from_json(parameter.name, parameter.to_json()) == parameter


@pytest.mark.parametrize("value", [3, "0.1:1", {"low": 0.1}, {"low": 0.1, "high": 1, "log": "yes"}, {"from": 1}])
def test_json_that_is_no_parameter_is_refused(value: Any) -> None:
    with pytest.raises(ConfigError, match="Learning rate must be a range or a list of values"):
        parameter_from_json("lr", value)
