"""Which settings a metric depends on, and that noise is not ranked."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.importance import setting_importance
from mnist_core.analysis.importance_forest import (
    Importance,
    ImportanceReport,
    measure_importance,
    measure_in_process,
)
from mnist_core.config import TrainConfig
from mnist_core.records import Run
from mnist_core.store import RunStore
from tests.support.factories import finished_run

METRIC = "test_accuracy"


@pytest.fixture
def template(store: RunStore) -> Run:
    return finished_run(store)


def runs_of(template: Run, settings: Sequence[dict[str, Any]], accuracies: Iterable[float]) -> list[Run]:
    """Return a run for each of these settings, with these test accuracies; seeds count from 1 unless they are given."""
    return [
        replace(
            template,
            id=number,
            config=TrainConfig(**{"seed": number, **values}),
            results=replace(template.results, test_accuracy=float(accuracy)),
        )
        for number, (values, accuracy) in enumerate(zip(settings, accuracies, strict=True), start=1)
    ]


def random_settings(random: np.random.Generator, count: int) -> list[dict[str, Any]]:
    """Return settings as a random search draws them."""
    return [
        {
            "lr": 10 ** random.uniform(-4, 0),
            "weight_decay": random.uniform(0, 0.1),
            "momentum": random.choice([0.1, 0.5, 0.9]),
            "batch_size": int(random.choice([32, 64, 128])),
            "optimizer": str(random.choice(["sgd", "nesterov", "adam", "adadelta"])),
        }
        for _ in range(count)
    ]


def is_ranked(runs: Sequence[Run]) -> bool:
    try:
        setting_importance(runs, METRIC)
    except CompareError as error:
        if "Nothing is ranked" not in str(error):
            raise
        return False
    return True


def by_label(report: ImportanceReport) -> dict[str, Importance]:
    return {importance.label: importance for importance in report.importances}


@pytest.mark.fault
@pytest.mark.parametrize("seeds", [1, 3])
def test_noise_is_ranked_in_at_most_one_table_of_20(template: Run, seeds: int) -> None:
    random = np.random.default_rng(seeds)
    ranked = 0
    for _ in range(40):
        settings = [values for values in random_settings(random, 12) for _ in range(seeds)]
        ranked += is_ranked(runs_of(template, settings, random.normal(0.9, 0.01, len(settings))))
    assert ranked <= 2


@pytest.mark.fault
def test_seeds_of_one_combination_do_not_explain_one_another(template: Run) -> None:
    random = np.random.default_rng(0)
    ranked = 0
    for _ in range(40):  # each combination has a level of its own, which no setting predicts
        levels = random.normal(0.9, 0.01, 10)
        settings = [values for values in random_settings(random, 10) for _ in range(5)]
        ranked += is_ranked(runs_of(template, settings, np.repeat(levels, 5) + random.normal(0, 0.0001, 50)))
    assert ranked <= 2


@pytest.mark.fault
def test_the_setting_that_matters_explains_its_share_of_the_variance(template: Run) -> None:
    random = np.random.default_rng(1)
    settings = random_settings(random, 50)
    signal = np.array([np.log10(values["lr"]) for values in settings]) / 100
    noise = random.normal(0, signal.std() / 5, 50)  # the learning rate has 25 / 26 = 96 % of the variance
    runs = runs_of(template, settings, 0.9 + signal + noise)
    report = setting_importance(runs, METRIC)
    assert report.explained == pytest.approx(0.96, abs=0.1)
    assert report.importances[0].label == "Learning rate"
    assert report.importances[0].share == pytest.approx(0.96, abs=0.1)
    assert report.importances[0].is_certain
    assert all(0 <= setting.low <= setting.share <= setting.high <= 1 for setting in report.importances)
    assert sum(importance.is_certain for importance in report.importances) == 1
    assert setting_importance(runs, METRIC) == report


def test_words_have_no_order(template: Run) -> None:
    names = [
        "adadelta",
        "adam",
        "nesterov",
        "sgd",
    ]  # two settings of words, equally important, whatever they are called
    models = ["classic", "example", "mlp", "softmax"]
    settings = [{"optimizer": optimizer, "model": model} for optimizer in names for model in models]
    effect = {
        "adadelta": 0.0,
        "adam": 1.0,
        "nesterov": 0.0,
        "sgd": 1.0,
        "classic": 0.0,
        "example": 0,
        "mlp": 1,
        "softmax": 1,
    }
    accuracies = [0.9 + 0.01 * (effect[values["optimizer"]] + effect[values["model"]]) for values in settings]
    optimizer, model = (
        by_label(setting_importance(runs_of(template, settings, accuracies), METRIC))[label]
        for label in ("Optimizer", "Network")
    )
    assert optimizer.share == pytest.approx(model.share, abs=0.1)


def test_settings_that_always_change_together_share_a_bar(template: Run) -> None:
    rates = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]
    settings = [
        {"lr": rate, "batch_size": 2 ** (number + 4), "momentum": momentum}
        for number, rate in enumerate(rates)
        for momentum in (0.1, 0.5, 0.9)
    ]
    accuracies = [0.9 + 0.01 * rates.index(values["lr"]) for values in settings]
    report = setting_importance(runs_of(template, settings, accuracies), METRIC)
    assert [importance.label for importance in report.importances] == ["Batch size + Learning rate", "Momentum"]


def test_a_repeated_run_counts_once(template: Run) -> None:
    settings = [{"lr": lr, "seed": 1} for lr in (0.001, 0.002, 0.003, 0.004, 0.005, 0.006)] * 2
    with pytest.raises(CompareError, match="at least 10 different runs with a test accuracy, got 6"):
        setting_importance(runs_of(template, settings, np.linspace(0.8, 0.9, 12)), METRIC)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([{"lr": 0.01 * number} for number in range(1, 10)], "at least 10 different runs with a test accuracy, got 9"),
        ([{}] * 10, "differ in no setting but the seed"),
        ([{"lr": lr} for lr in (0.1, 0.2, 0.3, 0.4, 0.5)] * 4, "at least 6 different combinations of settings, got 5"),
    ],
)
def test_too_few_runs_and_settings_are_refused(template: Run, settings: list[dict[str, Any]], message: str) -> None:
    accuracies = np.linspace(0.8, 0.9, len(settings))
    with pytest.raises(CompareError, match=re.escape(message)):
        setting_importance(runs_of(template, settings, accuracies), METRIC)


def test_runs_that_cannot_be_ranked_are_refused(template: Run) -> None:
    runs = runs_of(template, [{"lr": 0.01 * number} for number in range(1, 13)], [0.9] * 12)
    with pytest.raises(CompareError, match="have the same test accuracy"):
        setting_importance(runs, METRIC)
    with pytest.raises(CompareError, match=r"There is no metric 'beauty'\. Choose one of test_accuracy"):
        setting_importance(runs, "beauty")
    with pytest.raises(CompareError, match="different datasets: KMNIST, MNIST"):
        setting_importance([*runs, replace(runs[0], id=20, dataset="KMNIST")], METRIC)


def test_a_process_of_its_own_measures_the_same() -> None:
    columns = (("lr", tuple(0.01 * (number % 5 + 1) for number in range(30))), ("model", ("mlp", "classic") * 15))
    values = tuple(0.9 + 0.01 * (number % 5) + 0.0007 * (number % 7) for number in range(30))
    assert measure_in_process(columns, values) == measure_importance(columns, values) is not None
