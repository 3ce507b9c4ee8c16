"""What a sweep does after its search: its winner and the settings it has to beat, with seeds that no trial used."""

from dataclasses import replace
from typing import Any

import pytest

from mnist_core.analysis.comparison.verdict import Verdict
from mnist_core.analysis.seed_groups import Summary
from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus, Sweep, SweepStatus, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control, controller
from mnist_core.sweeps.searcher import Searcher
from mnist_core.sweeps.space import Values
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.verdict import Rival, SweepVerdict, _compare, _judge, _sentence, conclude
from mnist_core.system.processes import own_identity
from tests.support.scripted_trials import Script, carry_out, claim, searched


def final_trials(store: RunStore, sweep: Sweep) -> list[tuple[TrialRole, dict[str, Any]]]:
    trials = store.sweeps.list_trials(sweep.id)
    return [(trial.role, dict(trial.values)) for trial in trials if trial.role is not TrialRole.SEARCH]


def sentences(spec: SweepSpec, verdict: SweepVerdict) -> tuple[str, str]:
    """Return both sentences as if the winner had been tested: scripted runs are not."""
    summary = Summary(3, 0.97, None, None, None)
    return _sentence(spec, summary, verdict.rivals, verdict.same), replace(verdict, summary=summary).short_sentence


def test_the_winner_and_the_baseline_are_tested_with_the_same_fresh_seeds(store: RunStore) -> None:
    sweep = claim(store, trials=2, workers=1, seeds=2, fixed={"epochs": 2})
    scripts = [Script((accuracy,)) for accuracy in (0.5, 0.6, 0.8, 0.7)]
    _, processes = carry_out(store, sweep, *scripts)
    best = searched(store, sweep)[1]
    assert final_trials(store, sweep) == [(TrialRole.WINNER, dict(best.values)), (TrialRole.BASELINE, {})]
    winner, baseline = ([job.config for job in processes.jobs if job.trial == number] for number in (3, 4))
    assert [config.seed for config in winner] == [config.seed for config in baseline] == [3, 4, 5]
    assert {(config.lr, config.epochs, config.skip_test) for config in winner} == {(best.values["lr"], 2, False)}
    assert {(config.lr, config.epochs, config.skip_test) for config in baseline} == {(TrainConfig.lr, 2, False)}


def test_without_a_result_nothing_is_tested(store: RunStore) -> None:
    sweep = claim(store, trials=1)
    carry_out(store, sweep, Script((0.5,), RunStatus.STOPPED))
    assert final_trials(store, sweep) == []


def test_defaults_that_win_are_not_compared_with_themselves(store: RunStore) -> None:
    spec = SweepSpec(parameters=(Values("lr", (TrainConfig.lr, 0.5)),), sampler="grid", workers=1)
    sweep = store.sweeps.claim_sweep(control.create(store, spec).id, own_identity())
    first = Searcher(spec, sweep.uid).ask()
    assert first
    scripts = (0.9, 0.5) if first.values["lr"] == TrainConfig.lr else (0.5, 0.9)
    carry_out(store, sweep, *(Script((accuracy,)) for accuracy in scripts))
    assert [role for role, _ in final_trials(store, sweep)] == [TrialRole.WINNER]
    verdict = conclude(store, sweep)
    assert verdict
    assert verdict.rivals == ()
    assert sentences(spec, verdict)[0].endswith("; these are the defaults.")


def test_settings_of_a_person_are_compared_with_the_winner(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1, compare_with={"lr": 0.9, "epochs": 7}, fixed={"epochs": 2})
    _, processes = carry_out(store, sweep)
    assert [role for role, _ in final_trials(store, sweep)] == [
        TrialRole.WINNER,
        TrialRole.BASELINE,
        TrialRole.COMPARED,
    ]
    configs = [job.config for job in processes.jobs if job.trial == 4]
    assert {(config.lr, config.epochs, config.skip_test) for config in configs} == {(0.9, 2, False)}
    assert [config.seed for config in configs] == [job.seed for job in processes.jobs if job.trial == 2]


@pytest.mark.parametrize("compare_with", [{}, {"lr": TrainConfig.lr, "skip_test": True}, {"epochs": 9}])
def test_settings_that_are_the_defaults_are_not_compared_twice(store: RunStore, compare_with: dict[str, Any]) -> None:
    sweep = claim(store, trials=1, workers=1, compare_with=compare_with)
    carry_out(store, sweep)
    assert [role for role, _ in final_trials(store, sweep)] == [TrialRole.WINNER, TrialRole.BASELINE]


def test_settings_that_win_are_not_compared_with_themselves(store: RunStore) -> None:
    spec = SweepSpec(parameters=(Values("lr", (0.3, 0.5)),), sampler="grid", compare_with={"lr": 0.5}, workers=1)
    sweep = store.sweeps.claim_sweep(control.create(store, spec).id, own_identity())
    first = Searcher(spec, sweep.uid).ask()
    assert first
    scripts = (0.9, 0.5) if first.values["lr"] == 0.5 else (0.5, 0.9)
    carry_out(store, sweep, *(Script((accuracy,)) for accuracy in scripts))
    assert [role for role, _ in final_trials(store, sweep)] == [TrialRole.WINNER, TrialRole.BASELINE]
    verdict = conclude(store, sweep)
    assert verdict
    assert [rival.role for rival in verdict.rivals] == [TrialRole.BASELINE]
    assert all(sentence.endswith("; these are your settings.") for sentence in sentences(spec, verdict))


def test_a_search_ends_early_enough_to_confirm_its_winner(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controller, "confirming_seconds", lambda _spec, ended: 3600.0 if len(ended) >= 2 else 0.0)
    sweep = claim(store, trials=50, workers=1, minutes=60)
    ended, _ = carry_out(store, sweep)
    assert ended.status is SweepStatus.COMPLETED
    assert len(searched(store, sweep)) == 2
    assert [role for role, _ in final_trials(store, sweep)] == [TrialRole.WINNER, TrialRole.BASELINE]


def test_a_trial_that_missed_the_target_says_so_and_ranks_behind(store: RunStore) -> None:
    sweep = claim(store, trials=2, workers=1, objective="time", target=0.9)
    carry_out(store, sweep, Script((0.5,)), Script((0.6, 0.7, 0.95)))
    missed, reached = searched(store, sweep)
    assert (missed.reason, missed.value) == ("It reached 50.00 %, not 90.00 %.", 10.0)
    assert (reached.reason, reached.value) == ("", 3.0)
    verdict = conclude(store, sweep)
    assert verdict
    assert verdict.winner == reached


def test_an_extended_sweep_tests_a_new_winner_and_keeps_the_baseline(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1)
    carry_out(store, sweep, Script((0.5,)))
    control.extend(store, sweep, trials=1)
    carry_out(store, store.sweeps.claim_sweep(sweep.id, own_identity()), Script((0.9,)))
    assert [role for role, _ in final_trials(store, sweep)] == [
        TrialRole.WINNER,
        TrialRole.BASELINE,
        TrialRole.WINNER,
    ]


def test_a_trial_that_diverges_at_once_is_later_than_any_success(store: RunStore) -> None:
    sweep = claim(store, trials=2, workers=1, objective="time", target=0.9)
    carry_out(store, sweep, Script((), RunStatus.DIVERGED), Script((0.5, 0.6, 0.7, 0.8, 0.95)))
    diverged, reached = searched(store, sweep)
    assert (reached.value, diverged.status) == (5.0, TrialStatus.DIVERGED)
    assert diverged.value
    assert diverged.value > 5.0


def test_the_verdict_says_how_long_all_have_trained(store: RunStore) -> None:
    sweep = claim(store, trials=1, fixed={"epochs": 2, "train_fraction": 0.1})
    carry_out(store, sweep)
    verdict = conclude(store, sweep)
    assert verdict
    assert verdict.training == " after 2 epochs on 10 % of the training images"


def test_settings_that_diverge_with_fresh_seeds_are_said_to(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1, compare_with={"lr": 0.9})
    tested = [Script()] * 7
    carry_out(store, sweep, *tested, Script((), RunStatus.DIVERGED, "Loss became NaN."))
    verdict = conclude(store, sweep)
    assert verdict
    assert verdict.rivals[-1].role is TrialRole.COMPARED
    assert verdict.rivals[-1].words == "your settings cannot be tested: with them the training diverges"


def test_rivals_that_train_now_are_being_tested(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1)
    carry_out(store, sweep)
    (baseline,) = (trial for trial in store.sweeps.list_trials(sweep.id) if trial.role is TrialRole.BASELINE)
    running = replace(baseline, status=TrialStatus.RUNNING)
    assert _compare(store, (), TrialRole.BASELINE, running).words == "the defaults are being tested"
    assert _compare(store, (), TrialRole.BASELINE, None).words == "the defaults have not been tested"


def test_two_verdicts_are_corrected_for_each_other() -> None:
    def compared(role: TrialRole, p: float) -> Rival:
        verdict = Verdict("-", "a", p, 0.001, 0.02, 0.0, 0.04, None, (), ())
        return Rival(role, (), Summary(3, 0.9, None, None, None), verdict, "", "")

    baseline, yours = _judge([compared(TrialRole.BASELINE, 0.03), compared(TrialRole.COMPARED, 0.02)])
    assert (baseline.p_value, baseline.outcome) == (0.04, "better than")
    assert (yours.p_value, yours.outcome) == (0.04, "better than")
    baseline, yours = _judge([compared(TrialRole.BASELINE, 0.03), compared(TrialRole.COMPARED, 0.026)])
    assert baseline.words == "not clearly better than the defaults (90.00 %), p = 0.052"
    assert yours.outcome == "not clearly better than"
    (alone,) = _judge([compared(TrialRole.BASELINE, 0.03)])
    assert alone.words == "better than the defaults (90.00 %), p = 0.03"


def test_the_short_sentence_names_what_the_winner_is_better_than(store: RunStore) -> None:
    sweep = claim(store, trials=1)
    carry_out(store, sweep)
    rivals = (
        Rival(TrialRole.BASELINE, (), Summary(3, 0.9, None, None, None), None, "better than", "-"),
        Rival(TrialRole.COMPARED, (), Summary(3, 0.5, None, None, None), None, "better than", "-"),
    )
    winner = searched(store, sweep)[0]
    better = SweepVerdict(winner, (), Summary(3, 0.97, None, None, None), rivals, "-")
    assert better.short_sentence == (
        "97.00 % of test digits right; better than the defaults (90.00 %) and your settings (50.00 %)."
    )
    diverged = (rivals[0], Rival(TrialRole.COMPARED, (), None, None, "", "your settings cannot be tested"))
    mixed = SweepVerdict(winner, (), Summary(3, 0.97, None, None, None), diverged, "-")
    assert mixed.short_sentence.endswith("better than the defaults (90.00 %); your settings cannot be tested.")
