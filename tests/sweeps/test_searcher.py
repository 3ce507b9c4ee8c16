"""What Optuna is asked and told, and that a study rebuilt from the store goes on like the one before."""

from dataclasses import replace
from typing import Any

import pytest

from mnist_core.records import Trial, TrialRole, TrialStatus
from mnist_core.sweeps.searcher import PastTrial, Searcher
from mnist_core.sweeps.space import Parameter, Range, Values
from mnist_core.sweeps.spec import SweepSpec

LR = Range("lr", 0.001, 1.0, log=True)
MOMENTUM = Range("momentum", 0.0, 0.9)
OPTIMIZER = Values("optimizer", ("sgd", "adam"))


def spec(*parameters: Parameter, **values: Any) -> SweepSpec:
    return SweepSpec(parameters=parameters or (LR, MOMENTUM), **{"trials": 30, **values})


def run_trials(searcher: Searcher, numbers: range, past: list[PastTrial]) -> list[dict[str, Any]]:
    """Ask and tell; a trial is the better, the nearer its momentum is to 0.45. Returns the values that were tried."""
    tried = []
    for number in numbers:
        proposal = searcher.ask()
        assert proposal
        searcher.begin(number)
        value = 1 - abs(proposal.values.get("momentum", 0.5) - 0.45)
        trial = Trial(
            sweep_id=1,
            number=number,
            role=TrialRole.SEARCH,
            status=TrialStatus.COMPLETED,
            values=proposal.values,
            value=value,
        )
        state = searcher.end(number, trial.status, value)
        past.append(PastTrial(replace(trial, sampler_state=state)))
        tried.append(dict(proposal.values))
    return tried


@pytest.mark.parametrize("sampler", ["tpe", "random", "gp", "cmaes"])
def test_values_stay_in_their_ranges_also_after_a_restart(sampler: str) -> None:
    past: list[PastTrial] = []
    searched = spec(sampler=sampler)
    tried = run_trials(Searcher(searched, "name"), range(1, 7), past)
    tried += run_trials(Searcher(searched, "name", past), range(7, 13), past)
    assert all(0.001 <= values["lr"] <= 1 and 0 <= values["momentum"] <= 0.9 for values in tried)
    assert len({values["lr"] for values in tried}) == 12
    assert all(float(f"{values['lr']:.4g}") == values["lr"] for values in tried)


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_a_sampler_searches_where_it_was_good(sampler: str) -> None:
    past: list[PastTrial] = []
    tried = run_trials(Searcher(spec(MOMENTUM, sampler=sampler), "name"), range(1, 21), past)
    late = [abs(values["momentum"] - 0.45) for values in tried[-5:]]
    assert sorted(late)[2] < 0.1


def test_categories_and_whole_numbers_are_values_of_their_settings() -> None:
    tried = run_trials(Searcher(spec(OPTIMIZER, Range("batch_size", 16, 64, log=True)), "name"), range(1, 9), [])
    assert {values["optimizer"] for values in tried} <= {"sgd", "adam"}
    assert all(isinstance(values["batch_size"], int) and 16 <= values["batch_size"] <= 64 for values in tried)


def test_a_grid_tries_each_point_once_also_after_a_restart() -> None:
    past: list[PastTrial] = []
    grid = spec(OPTIMIZER, Range("lr", 0.01, 1, log=True, points=3), sampler="grid", trials=None)
    tried = run_trials(Searcher(grid, "name"), range(1, 4), past)
    searcher = Searcher(grid, "name", past)
    tried += run_trials(searcher, range(4, 7), past)
    assert len({(values["optimizer"], values["lr"]) for values in tried}) == 6
    assert searcher.ask() is None


def test_a_proposal_is_repeated_until_its_trial_begins() -> None:
    searcher = Searcher(spec(), "name")
    assert searcher.ask() == searcher.ask()
    searcher.begin(1)
    assert searcher.trials == 1


def test_a_trial_is_told_once() -> None:
    searcher = Searcher(spec(), "name")
    searcher.ask()
    searcher.begin(1)
    assert searcher.end(1, TrialStatus.FAILED, None) == searcher.end(1, TrialStatus.COMPLETED, 0.5)


@pytest.mark.parametrize(("objective", "bad"), [("accuracy", 0.2), ("loss", 5.0)])
def test_the_median_pruner_stops_a_trial_that_lags_behind(objective: str, bad: float) -> None:
    searched = spec(pruner="median", objective=objective)
    good = {1: 0.8, 2: 0.9, 3: 0.9}
    past = [
        PastTrial(
            Trial(
                sweep_id=1,
                number=number,
                role=TrialRole.SEARCH,
                status=TrialStatus.COMPLETED,
                values={"lr": 0.1, "momentum": 0.5},
                value=0.9,
            ),
            good,
        )
        for number in range(1, 7)
    ]
    searcher = Searcher(searched, "name", past)
    searcher.ask()
    searcher.begin(7)
    assert not searcher.should_prune(7)
    searcher.report(7, {1: bad, 2: bad})
    assert searcher.should_prune(7)
    searcher.end(7, TrialStatus.PRUNED, None)
    searcher.ask()
    searcher.begin(8)
    searcher.report(8, good)
    assert not searcher.should_prune(8)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"pruner": "median"},
            "Pruned after 1,084 steps: the median of the others was better, 90.00 % against 40.00 %.",
        ),
        ({"pruner": "median", "objective": "loss"}, "the median of the others was better, 0.9000 against 0.3000."),
        ({"pruner": "hyperband"}, "Pruned after 1,084 steps: with 40.00 % it was not among the best third"),
        ({"pruner": "wilcoxon", "seeds": 6}, "Pruned after 2 seeds: they are worse than those of the best trial"),
    ],
)
def test_a_sentence_says_why_a_trial_is_pruned(values: dict[str, Any], sentence: str) -> None:
    past: list[PastTrial] = []
    run_trials(Searcher(spec(), "name"), range(1, 6), past)
    searcher = Searcher(spec(**values), "name", [replace(trial, reports={1: 0.8, 2: 0.9}) for trial in past])
    searcher.ask()
    searcher.begin(6)
    searcher.report(6, {1: 0.3, 2: 0.4})
    assert sentence in searcher.why_pruned(6, 1084)


def test_a_running_trial_is_taken_over_after_a_restart() -> None:
    running = Trial(
        sweep_id=1,
        number=4,
        role=TrialRole.SEARCH,
        status=TrialStatus.RUNNING,
        values={"lr": 0.1, "momentum": 0.5},
    )
    searcher = Searcher(spec(pruner="hyperband"), "name", [PastTrial(running, {1: 0.5})])
    searcher.report(4, {1: 0.5, 2: 0.6})
    searcher.end(4, TrialStatus.COMPLETED, 0.6)
    assert searcher.trials == 1


def test_trials_of_the_winner_do_not_count() -> None:
    winner = Trial(
        sweep_id=1,
        number=4,
        role=TrialRole.WINNER,
        status=TrialStatus.COMPLETED,
        values={"lr": 0.1, "momentum": 0.5},
        value=0.9,
    )
    assert Searcher(spec(), "name", [PastTrial(winner)]).trials == 0
