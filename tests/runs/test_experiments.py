"""Experiments for newcomers: their runs, and the sentence with the result."""

from __future__ import annotations

import numpy as np
import pytest

from mnist_core.config import SETTINGS
from mnist_core.records import RunStatus
from mnist_core.runs import experiments
from mnist_core.runs.actions import RunActions
from mnist_core.runs.experiments import EXPERIMENTS, Experiment, Result, conclude, find_experiment
from mnist_core.store import RunStore

RATE = EXPERIMENTS[0]
IMAGES = 1_000


def result(value: float, right: int | None, status: RunStatus = RunStatus.COMPLETED) -> Result:
    """Return a run that classifies the first `right` of the test images correctly."""
    return Result(value, None if right is None else np.arange(IMAGES) < right, status)


def conclusion(*results: Result) -> str:
    return conclude(RATE, results).replace("\u202f", " ")


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda experiment: experiment.setting)
def test_the_runs_differ_in_one_setting(experiment: Experiment) -> None:
    configs = experiment.configs()
    assert [getattr(config, experiment.setting) for config in configs] == list(experiment.values)
    differing = {name for name in SETTINGS if len({getattr(config, name) for config in configs}) > 1}
    assert differing == {experiment.setting}
    assert {config.dataset for config in configs} == {"mnist-5k"}


def test_an_experiment_queues_three_tagged_runs_named_by_their_values(store: RunStore) -> None:
    runs = RunActions(store).start_experiment(RATE)
    assert [run.name for run in runs] == ["learning rate 0.001", "learning rate 0.03", "learning rate 1"]
    assert {run.tags for run in runs} == {("Experiment: learning rate",)}
    assert {run.status for run in runs} == {RunStatus.QUEUED}
    again = RunActions(store).start_experiment(RATE)
    assert again[0].name == "learning rate 0.001 (2)"


def test_an_experiment_is_recognised_by_its_runs(store: RunStore) -> None:
    runs = experiments.start(store, RATE)
    assert find_experiment(list(reversed(runs))) == RATE
    assert find_experiment(runs[:2]) is None
    assert find_experiment([*runs, runs[0]]) is None
    assert find_experiment([runs[0], runs[0], runs[1]]) is None
    other = experiments.start(store, EXPERIMENTS[1])
    assert find_experiment([*runs[:2], other[0]]) is None


def test_the_best_in_the_middle_says_that_less_and_more_did_worse() -> None:
    assert conclusion(result(0.001, 500), result(0.03, 947), result(1, 100)) == (
        "Learning rate 0.03 did best: 94.7 % of 1 000 unseen digits right, against 50.0 % with 0.001 and 10.0 % "
        "(guessing) with 1; both less and more did worse, in one run of each."
    )


@pytest.mark.parametrize(("right", "better"), [((700, 800, 950), "more"), ((950, 800, 700), "less")])
def test_the_best_at_an_end_says_which_way_was_better(right: tuple[int, ...], better: str) -> None:
    results = [result(value, count) for value, count in zip((0.1, 0.2, 0.3), right, strict=True)]
    assert conclusion(*results).endswith(f"; here, {better} was better, in one run of each.")


def test_a_difference_that_may_be_luck_is_called_so() -> None:
    assert conclusion(result(0.1, 947), result(0.2, 950), result(0.3, 500)) == (
        "Learning rate 0.1 and 0.2 cannot be told apart: 94.7 % and 95.0 % of 1 000 unseen digits right, a difference "
        "that may be luck, against 50.0 % with 0.3."
    )
    assert "0.1, 0.2 and 0.3 cannot be told apart" in conclusion(result(0.1, 950), result(0.2, 950), result(0.3, 951))


def test_a_run_without_a_test_is_named_with_its_reason() -> None:
    text = conclusion(result(0.1, 900), result(0.2, 950), result(0.3, None, RunStatus.DIVERGED))
    assert "with 0.3 the loss diverged; both less and more did worse" in text
    text = conclusion(result(0.1, 900), result(0.2, 950), result(0.3, None, RunStatus.STOPPED))
    assert "with 0.3 the run was stopped" in text


def test_too_few_results_make_no_conclusion() -> None:
    stopped = [result(value, None, RunStatus.STOPPED) for value in (0.1, 0.2)]
    assert conclusion(*stopped, result(0.3, 900)).startswith("Too few of these runs have a test result")


def test_runs_that_are_not_over_are_waited_for() -> None:
    assert conclusion(result(0.1, 900), result(0.2, None, RunStatus.RUNNING), result(0.3, None, RunStatus.QUEUED)) == (
        "1 of 3 runs are over. What was seen follows when all are."
    )
