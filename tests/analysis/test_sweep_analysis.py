"""What the trials of a sweep say about its settings."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from mnist_core.analysis.importance_forest import measure_importance
from mnist_core.analysis.sweep_analysis import analyze_sweep
from mnist_core.records import Sweep, SweepStatus, Trial, TrialRole, TrialStatus, Validation

PARAMETERS = {
    "lr": {"low": 1e-4, "high": 1.0, "log": True, "points": 0},
    "momentum": {"low": 0.0, "high": 0.99, "log": False, "points": 0},
    "batch_size": [32, 64, 128],
}


def sweep_with(objective: str = "accuracy", parameters: dict[str, Any] | None = None) -> Sweep:
    spec = {"parameters": parameters or PARAMETERS, "objective": objective}
    return Sweep(id=1, uid="a", name="search", status=SweepStatus.RUNNING, spec=spec, created_at=datetime.now(UTC))


def trial(number: int, values: dict[str, Any], value: float | None, **fields: Any) -> Trial:
    defaults = {"role": TrialRole.SEARCH, "status": TrialStatus.COMPLETED}
    return Trial(sweep_id=1, number=number, values=values, value=value, **{**defaults, **fields})


def random_trials(count: int, result: Callable[[dict[str, Any], float], float], seed: int = 0) -> list[Trial]:
    """Return trials as a random search draws them; `result` gets the values and a standard normal number."""
    random = np.random.default_rng(seed)
    trials = []
    for number in range(1, count + 1):
        values = {
            "lr": 10 ** random.uniform(-4, 0),
            "momentum": random.uniform(0, 0.99),
            "batch_size": int(random.choice([32, 64, 128])),
        }
        trials.append(trial(number, values, result(values, random.normal())))
    return trials


def near_a_tenth(values: dict[str, Any], noise: float) -> float:
    return 0.95 - 0.1 * abs(math.log10(values["lr"]) + 1) + 0.002 * noise


def labels_of(importances: Sequence[Any]) -> list[str]:
    return [importance.label for importance in importances if importance.is_certain]


def test_the_setting_that_decides_is_the_only_certain_one_and_its_good_range_is_narrow() -> None:
    analysis = analyze_sweep(sweep_with(), random_trials(40, near_a_tenth), {})
    assert analysis.trials == 40
    assert analysis.importance
    assert not analysis.message
    assert labels_of(analysis.importance.importances) == ["Learning rate"]
    lr, momentum, _ = analysis.good_ranges
    assert 0.01 < lr.narrowed["low"] < 0.1 < lr.narrowed["high"] < 1
    assert lr.narrowed["log"] is True
    assert momentum.narrowed["high"] - momentum.narrowed["low"] > 0.5


@pytest.mark.parametrize("objective", ["loss", "time"])
def test_the_lowest_result_is_best_with_other_objectives(objective: str) -> None:
    trials = random_trials(40, lambda values, noise: 1 - near_a_tenth(values, noise))
    lr = analyze_sweep(sweep_with(objective), trials, {}).good_ranges[0]
    assert 0.01 < lr.narrowed["low"] < 0.1 < lr.narrowed["high"] < 1


def test_trials_that_diverge_do_not_hide_what_decides_among_the_others() -> None:
    def result(values: dict[str, Any], noise: float) -> float:
        return 0.1 if noise > 1.3 else near_a_tenth(values, noise)

    analysis = analyze_sweep(sweep_with(), random_trials(60, result), {})
    assert analysis.importance
    assert labels_of(analysis.importance.importances) == ["Learning rate"]


def test_nothing_is_ranked_if_chance_explains_the_results() -> None:
    analysis = analyze_sweep(sweep_with(), random_trials(20, lambda _, noise: 0.9 + 0.01 * noise), {})
    assert analysis.importance is None
    assert "do not predict the validation accuracy better than chance" in analysis.message
    assert len(analysis.good_ranges) == 3


def test_before_ten_trials_nothing_is_said() -> None:
    analysis = analyze_sweep(sweep_with(), random_trials(9, near_a_tenth), {})
    assert (analysis.importance, analysis.good_ranges) == (None, ())
    assert analysis.message == "What matters shows after 10 trials."


def test_a_pruned_trial_counts_with_what_it_had_reached_but_is_never_good() -> None:
    trials = random_trials(40, near_a_tenth)
    reached = {item.number: [Validation(1, 1.0, item.value or 0.0, 1.0)] for item in trials[::2]}
    pruned = [
        trial(item.number, dict(item.values), None, status=TrialStatus.PRUNED) if item.number in reached else item
        for item in trials
    ]
    whole, halved = analyze_sweep(sweep_with(), trials, {}), analyze_sweep(sweep_with(), pruned, reached)
    assert halved.importance == whole.importance
    assert halved.trials == 40
    all_pruned = [trial(item.number, dict(item.values), None, status=TrialStatus.PRUNED) for item in trials]
    assert analyze_sweep(sweep_with(), all_pruned, reached).good_ranges == ()


def test_at_most_half_of_the_completed_trials_are_good_however_many_were_pruned() -> None:
    def trials_with(completed: int) -> list[Trial]:
        kept = [trial(n, {"lr": n / 100}, 1 - n / 100) for n in range(1, completed + 1)]
        return kept + [trial(n, {"lr": 0.5}, None, status=TrialStatus.PRUNED) for n in range(completed + 1, 41)]

    parameters = {"lr": {"low": 0.001, "high": 1.0, "log": True}}
    [lr] = analyze_sweep(sweep_with(parameters=parameters), trials_with(8), {}).good_ranges
    assert lr.text == "0.01 to 0.04"
    assert analyze_sweep(sweep_with(parameters=parameters), trials_with(5), {}).good_ranges == ()


def test_failed_and_stopped_trials_and_those_with_fresh_seeds_do_not_count() -> None:
    trials = random_trials(12, near_a_tenth)
    others = [
        trial(13, dict(trials[0].values), None, status=TrialStatus.FAILED),
        trial(14, dict(trials[0].values), None, status=TrialStatus.STOPPED),
        trial(15, dict(trials[0].values), 0.99, role=TrialRole.WINNER),
        trial(16, {}, 0.99, role=TrialRole.BASELINE),
    ]
    assert analyze_sweep(sweep_with(), [*trials, *others], {}) == analyze_sweep(sweep_with(), trials, {})


def test_good_values_of_lists_are_named_and_a_single_one_is_fixed() -> None:
    values = ["adam", "nesterov", "sgd"] * 8
    trials = [
        trial(number, {"optimizer": name, "batch_size": 32 * (1 + number % 2)}, 0.9 + 0.001 * number * (name == "adam"))
        for number, name in enumerate(values, 1)
    ]
    parameters = {"optimizer": ["adam", "nesterov", "sgd"], "batch_size": [32, 64, 128]}
    optimizer, batch = analyze_sweep(sweep_with(parameters=parameters), trials, {}).good_ranges
    assert (optimizer.narrowed, optimizer.is_fixed, optimizer.text) == ("adam", True, "Adam")
    assert (batch.narrowed, batch.is_fixed, batch.text) == ([32, 64], False, "32 or 64")


def test_of_a_long_list_all_values_of_the_best_trials_are_good_if_each_is_rare() -> None:
    batches = [16 * number for number in range(1, 49)]
    trials = [trial(number, {"batch_size": batch}, 1 - number / 100) for number, batch in enumerate(batches, 1)]
    [batch] = analyze_sweep(sweep_with(parameters={"batch_size": batches}), trials, {}).good_ranges
    assert (batch.narrowed, batch.is_fixed) == (batches[:12], False)
    assert batch.text == "16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176 or 192"


def test_good_ranges_are_rounded_outward_within_the_searched_range() -> None:
    parameters = {"lr": {"low": 0.0123, "high": 1.0, "log": True}, "epochs": {"low": 1, "high": 9, "log": False}}
    trials = [
        trial(
            number,
            {
                "lr": 0.0123 if number == 12 else 0.02 + number / 200,
                "epochs": 3 if number > 6 else 9,
                "weight_decay": number * 1e-6,
            },
            number,
        )
        for number in range(1, 13)
    ]
    parameters["weight_decay"] = {"low": 1e-6, "high": 1e-2, "log": True}
    lr, epochs, decay = analyze_sweep(sweep_with(parameters=parameters), trials, {}).good_ranges
    assert (lr.narrowed["low"], lr.narrowed["high"], lr.text) == (0.0123, 0.075, "0.0123 to 0.075")
    assert (epochs.narrowed, epochs.is_fixed, epochs.text) == (3, True, "3")
    assert decay.text == "0.00001 to 0.000012"


def test_a_thousand_trials_are_analyzed_by_the_latest_of_them() -> None:
    seen: list[int] = []

    def measure(columns: Any, values: Any) -> Any:
        seen.append(len(values))
        return measure_importance(tuple((name, column[:40]) for name, column in columns), values[:40])

    assert analyze_sweep(sweep_with(), random_trials(1000, near_a_tenth), {}, measure).trials == 1000
    assert seen == [600]
