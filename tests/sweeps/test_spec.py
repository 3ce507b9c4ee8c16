"""What a sweep may be, and the sentences that refuse others before anything starts."""

import json
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import encode_json
from mnist_core.sweeps.space import Parameter, Range, Values
from mnist_core.sweeps.spec import SweepSpec

LR = Range("lr", 0.001, 1.0, log=True)
MOMENTUM = Range("momentum", 0.0, 0.9)


def spec(*parameters: Parameter, **values: Any) -> SweepSpec:
    return SweepSpec(parameters=parameters or (LR,), **{"trials": 10, **values})


@pytest.mark.parametrize(
    ("parameters", "values", "sentence"),
    [
        ((LR,), {"trials": None}, "A sweep needs an end: give it a number of trials, minutes, or both."),
        ((LR,), {"trials": 0}, "Trials must be between 1 and 100000, got 0."),
        ((LR,), {"minutes": 0}, "Minutes must be between 0.01 and 10080, got 0."),
        ((LR,), {"fixed": {"lr": 0.1}}, "Learning rate is given twice. Give it once."),
        ((LR, LR), {}, "Learning rate is given twice. Give it once."),
        ((LR,), {"compare_with": {"rate": 0.1}}, "There is no setting 'rate'. Choose one of batch_size, lr,"),
        ((LR,), {"compare_with": {"optimizer": "nesterov", "momentum": 0.0}}, "Momentum must be above 0"),
        ((LR,), {"fixed": {"rate": 0.1}}, "There is no setting 'rate'. Choose one of batch_size, lr,"),
        ((LR,), {"fixed": {"epochs": 0}}, "Epochs must be between 1 and 50, got 0."),
        ((LR,), {"fixed": {"validation_fraction": 0.0}}, "A sweep chooses by the validation images: the validation"),
        ((LR,), {"objective": "test"}, "Objective must be one of accuracy, loss, time, got 'test'."),
        ((LR,), {"sampler": "best"}, "Sampler must be one of tpe, random, grid, gp, cmaes, got 'best'."),
        ((LR,), {"objective": "time"}, "A target accuracy and the objective time belong together"),
        ((LR,), {"target": 0.9}, "A target accuracy and the objective time belong together"),
        ((LR,), {"objective": "time", "target": 1.5}, "Target accuracy must be between 0.1 and 1, got 1.5."),
        (
            (LR,),
            {"pruner": "wilcoxon"},
            "The pruner wilcoxon compares seeds: it needs at least 5 seeds a trial, got 1.",
        ),
        (
            (LR,),
            {"objective": "time", "target": 0.9, "pruner": "median"},
            "The pruner median compares accuracies or losses, not times.",
        ),
        ((LR,), {"sampler": "cmaes"}, "The sampler cmaes needs at least two ranges to search, got 1."),
        ((LR, Values("optimizer", ("sgd", "adam"))), {"sampler": "cmaes"}, "The sampler cmaes searches ranges only."),
        (
            (LR,),
            {"sampler": "grid"},
            "A grid needs to know how many values of the learning rate to try: write 0.001:1:5",
        ),
        ((LR,), {"fixed": {"seed": 2**31 - 1}}, "Seed must leave room for 4 seeds in a row, got 2147483647."),
        ((LR,), {"fixed": {"model": ["mlp"]}}, "Network must be one of classic, "),
        ((LR,), {"fixed": {"skip_test": True}}, "A sweep tests its winner at the end: it cannot skip the test."),
        ((LR,), {"fixed": None}, "The settings of fixed must be named, as in {'lr': 0.1}, got None."),
        ((LR,), {"compare_with": ["lr"]}, "The settings of compare_with must be named"),
        ((LR,), {"objective": ["accuracy"]}, "Objective must be one of accuracy, loss, time, got ['accuracy']."),
        (("lr",), {}, "The parameters of a sweep must be of Range or Values, got ('lr',)."),
        ((LR,), {"workers": 0}, "Workers must be between 1 and 64, got 0."),
        (
            (Values("augmentation", ("none", "shift")), Range("max_shift", 0, 4)),
            {},
            "Search the augmentation or the random shift, not both",
        ),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_sentence(
    parameters: tuple[Parameter, ...], values: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        spec(*parameters, **values)
    assert str(refused.value).startswith(sentence)


@pytest.mark.parametrize(
    "values", [[["mlp"], ["classic"]], "mlp", 7, {"low": [1], "high": 2}, {"low": 1, "high": None}]
)
def test_values_of_another_type_are_refused_in_one_sentence(values: Any) -> None:
    with pytest.raises(ConfigError):
        SweepSpec.from_json({"parameters": {"model": values}, "trials": 2})
    with pytest.raises(ConfigError):
        SweepSpec.from_json({"parameters": {"lr": values}, "trials": 2})


def test_a_search_over_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="A sweep needs a setting to search"):
        SweepSpec(parameters=(), trials=10)


@pytest.mark.parametrize(
    ("parameters", "fixed"),
    [
        ((MOMENTUM, Values("optimizer", ("sgd", "nesterov"))), {}),
        ((MOMENTUM,), {"optimizer": "nesterov"}),
        ((Values("optimizer", ("sgd", "nesterov")),), {"momentum": 0.0}),
    ],
)
def test_nesterov_with_momentum_0_within_the_ranges_is_refused(
    parameters: tuple[Parameter, ...], fixed: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"The sweep would try .* momentum must be above 0 .* change a range."):
        spec(*parameters, fixed=fixed)


def test_a_grid_of_a_million_is_told_before_it_starts() -> None:
    ranges = (
        Range("lr", 0.001, 1, points=100),
        Range("momentum", 0, 0.9, points=100),
        Range("gamma", 0.1, 1, points=100),
    )
    with pytest.raises(ConfigError, match=r"The grid has 1,000,000 points, and at most 10,000 are possible."):
        spec(*ranges, sampler="grid")


def test_a_grid_ends_with_its_last_point() -> None:
    grid = (Values("batch_size", (32, 64)), Range("lr", 0.01, 1, points=3))
    assert spec(*grid, sampler="grid", trials=None).max_trials == 6
    assert spec(*grid, sampler="grid", trials=4).max_trials == 4
    assert spec(*grid, sampler="grid", trials=100).max_trials == 6


def test_trials_have_the_fixed_settings_and_seeds_in_a_row() -> None:
    sweep = spec(fixed={"epochs": 2, "seed": 7}, seeds=2)
    assert [sweep.config({"lr": 0.1}, index).seed for index in range(2)] == [7, 8]
    assert (sweep.config({"lr": 0.1}).epochs, sweep.config({"lr": 0.1}).lr) == (2, 0.1)
    assert list(sweep.fresh_seeds) == [9, 10, 11]


def test_the_baseline_has_the_defaults_on_the_data_of_the_trials() -> None:
    sweep = spec(fixed={"epochs": 2, "dataset": "mnist-5k", "optimizer": "adam"})
    assert sweep.baseline_config(5) == TrainConfig(epochs=2, dataset="mnist-5k", seed=5)


def test_searched_augmentations_are_trained_whatever_the_fixed_shift() -> None:
    sweep = spec(Values("augmentation", ("none", "shift", "affine")), fixed={"max_shift": 3})
    trained = [sweep.winner_config({"augmentation": name}, 1) for name in ("none", "shift", "affine")]
    assert [(config.augmentation, config.max_shift) for config in trained] == [("none", 0), ("shift", 3), ("affine", 3)]


def test_an_augmentation_gets_the_usual_shift() -> None:
    sweep = spec(Values("augmentation", ("none", "shift", "affine")))
    assert sweep.config({"augmentation": "shift"}).max_shift == 2
    assert sweep.config({"augmentation": "none"}).max_shift == 0


def test_a_sweep_survives_json() -> None:
    sweep = spec(LR, Values("batch_size", (32, 64)), fixed={"epochs": 2}, minutes=2.5, workers=2, pruner="median")
    assert SweepSpec.from_json(json.loads(encode_json(sweep.to_json()))) == sweep


@pytest.mark.parametrize("values", [{}, {"parameters": [1]}, {"parameters": {}, "budget": 3}])
def test_json_that_is_no_sweep_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        SweepSpec.from_json(values)
