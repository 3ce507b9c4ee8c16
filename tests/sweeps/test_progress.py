"""How far a sweep is: counts, time left, and the sentence."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mnist_core.analysis.seed_groups import Summary
from mnist_core.records import Sweep, SweepStatus, Trial, TrialRole, TrialStatus
from mnist_core.sweeps.progress import (
    SweepProgress,
    confirming_seconds,
    confirming_share,
    describe_values,
    find_progress,
)
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.finals import missing_finals
from mnist_core.sweeps.verdict import SweepVerdict

START = datetime(2026, 11, 28, tzinfo=UTC)
LR = Range("lr", 0.001, 1.0, log=True)
TESTED = 10 * (1 + (1 / 6) / (3 * (3 * 0.9 + 2 * 0.1)))
"""Seconds of a run with a test: three epochs on nine tenths of the images, with two evaluations on the rest in each."""

DONE, PRUNED, RUNNING = TrialStatus.COMPLETED, TrialStatus.PRUNED, TrialStatus.RUNNING


def spec(**values: Any) -> SweepSpec:
    return SweepSpec(parameters=(LR,), **{"trials": 20, "workers": 2, **values})


def trial(number: int, status: TrialStatus = DONE, value: float | None = 0.9, **values: Any) -> Trial:
    """Return a trial that took ten seconds; two start at a time."""
    started_at = START + timedelta(seconds=10 * ((number - 1) // 2))
    finished_at = None if status is RUNNING else started_at + timedelta(seconds=10)
    has_result = status is DONE
    fields = {"role": TrialRole.SEARCH, "values": {"lr": number / 50}, **values}
    return Trial(
        sweep_id=1,
        number=number,
        status=status,
        value=value if has_result else None,
        started_at=started_at,
        finished_at=finished_at,
        **fields,
    )


def progress(
    ended: Sequence[Trial], elapsed: float = 30.0, status: SweepStatus = SweepStatus.RUNNING, **values: Any
) -> SweepProgress:
    sweep = Sweep(
        id=1,
        uid="a",
        name="sweep-1",
        status=status,
        spec=spec(**values).to_json(),
        created_at=START,
        elapsed_seconds=elapsed,
    )
    return find_progress(sweep, ended, now=START + timedelta(seconds=elapsed))


def test_trials_are_counted_by_how_they_ended() -> None:
    finals = [trial(5, role=TrialRole.WINNER), trial(6, role=TrialRole.BASELINE)]
    found = progress([trial(1), trial(2, PRUNED), trial(3, TrialStatus.FAILED), trial(4, RUNNING), *finals])
    assert found.ended == 3
    assert {status: count for status, count in found.counts.items() if count} == {
        DONE: 1,
        PRUNED: 1,
        TrialStatus.FAILED: 1,
        RUNNING: 1,
    }


def test_the_time_left_is_unknown_until_five_trials_have_ended() -> None:
    assert progress([*map(trial, range(1, 5)), trial(5, RUNNING)], 25.0).seconds_left is None
    assert progress([*map(trial, range(1, 6)), trial(6, RUNNING)], 25.0).seconds_left is not None


def test_the_time_left_has_the_rest_of_the_search_and_the_runs_that_confirm_it() -> None:
    found = progress([*map(trial, range(1, 7)), trial(7, RUNNING), trial(8, RUNNING)], 30.0)
    assert found.trials_a_minute == pytest.approx(12)
    confirming = 3 * TESTED  # six runs, two at a time
    assert found.seconds_left == pytest.approx((20 - 8 + 1) * 5 + confirming)


def test_the_time_of_a_person_ends_a_search_before_its_trials_do() -> None:
    trials = [*map(trial, range(1, 7)), trial(7, RUNNING)]
    assert progress(trials, 30.0, minutes=1.5).seconds_left == pytest.approx(60.0)
    assert progress(trials, 30.0, minutes=60.0).seconds_left == progress(trials, 30.0).seconds_left
    assert progress(trials, 30.0, minutes=1.5, trials=None).seconds_left == pytest.approx(60.0)


def test_what_confirms_the_winner_counts_down_and_does_not_slow_the_search() -> None:
    winner = replace(trial(21, RUNNING, role=TrialRole.WINNER, values={"lr": 0.02}), started_at=START)
    searched = [replace(trial(number), finished_at=START) for number in range(1, 21)]
    found = progress([*searched, winner], 100.0)
    assert found.trials_a_minute is None, "all its time went to the winner"
    later = replace(winner, started_at=START + timedelta(seconds=90))
    found = progress([*map(trial, range(1, 21)), later], 100.0)
    assert found.trials_a_minute == pytest.approx(60 * 20 / 90)
    assert found.seconds_left == pytest.approx(3 * TESTED - 10)


@pytest.mark.parametrize("status", [SweepStatus.PAUSED, SweepStatus.INTERRUPTED])
def test_a_sweep_that_does_not_search_has_no_time_left(status: SweepStatus) -> None:
    assert progress([*map(trial, range(1, 7))], 30.0, status).seconds_left is None
    assert progress([*map(trial, range(1, 7))], 30.0, SweepStatus.COMPLETED).seconds_left == 0


def test_confirming_takes_the_time_of_trials_that_were_not_pruned() -> None:
    trials = [trial(1), replace(trial(2, PRUNED), finished_at=START)]
    assert confirming_seconds(spec(), trials) == pytest.approx(3 * TESTED)
    assert confirming_seconds(spec(workers=1), trials) == pytest.approx(6 * TESTED)
    assert confirming_seconds(spec(seeds=2), trials) == pytest.approx(3 * TESTED)
    assert confirming_seconds(spec(compare_with={"lr": 0.5}), trials) == pytest.approx(5 * TESTED)
    assert confirming_seconds(spec(), [trial(2, PRUNED)]) == 0


def test_trials_with_fresh_seeds_say_how_long_the_others_will_take() -> None:
    winner = replace(trial(2, role=TrialRole.WINNER), finished_at=START + timedelta(seconds=60))
    assert confirming_seconds(spec(), [trial(1), winner], 1) == pytest.approx(2 * 30)


def test_confirming_takes_longer_when_the_machine_has_become_busy_and_the_test_is_large() -> None:
    slow = [
        replace(trial(number), started_at=START, finished_at=START + timedelta(seconds=30)) for number in range(20, 30)
    ]
    assert confirming_seconds(spec(), [*map(trial, range(1, 20)), *slow]) == pytest.approx(3 * 3 * TESTED)
    few = spec(fixed={"train_fraction": 0.1, "epochs": 1})
    assert confirming_seconds(few, [trial(1)]) == pytest.approx(3 * 10 * (1 + (1 / 6) / (0.27 + 0.2)))


def test_values_are_words() -> None:
    values = {"lr": 0.0312345, "batch_size": 32, "optimizer": "adam", "momentum": 0.5}
    assert describe_values(values) == "learning rate 0.03123, batch size 32, optimizer adam, momentum 0.5"


def test_the_sentence_names_the_best_so_far() -> None:
    assert progress([trial(1, RUNNING)]).sentence == "No trial has ended yet."
    assert progress([trial(1, PRUNED), trial(2, RUNNING)]).sentence == "No trial has a result yet."
    assert progress([trial(1), trial(2, value=0.95)]).sentence == "Best so far is trial 2: learning rate 0.04."


def test_the_sentence_says_that_the_winner_is_being_confirmed_and_then_the_verdict() -> None:
    winner = trial(2, RUNNING, role=TrialRole.WINNER, values={"lr": 0.02})
    found = progress([trial(1), winner])
    assert found.sentence.startswith("Trial 1 won: learning rate 0.02. It trains again with 3 fresh seeds")
    verdict = SweepVerdict(
        trial(1), (), Summary(3, 0.9, None, None, None), (), "90.00 % of test digits right (3 seeds)."
    )
    sweep = Sweep(id=1, uid="a", name="a", status=SweepStatus.COMPLETED, spec=spec().to_json(), created_at=START)
    assert find_progress(sweep, [trial(1)], verdict).sentence == ("Trial 1 won: 90.00 % of test digits right.")


def test_the_test_of_an_earlier_winner_is_not_credited_to_a_new_one() -> None:
    verdict = SweepVerdict(trial(1), (), Summary(3, 0.9, None, None, None), (), "90.00 % of test digits right.")
    trials = [trial(1), trial(2, role=TrialRole.WINNER, values={"lr": 0.02}), trial(3, value=0.95)]
    running = Sweep(id=1, uid="a", name="a", status=SweepStatus.RUNNING, spec=spec().to_json(), created_at=START)
    assert find_progress(running, trials, verdict, now=START).sentence == "Best so far is trial 3: learning rate 0.06."
    stopped = replace(running, status=SweepStatus.STOPPED)
    assert find_progress(stopped, trials, verdict).sentence == (
        "Trial 3 won: learning rate 0.06. It has not been tested."
    )


def test_a_winner_without_a_test_says_why() -> None:
    winner = trial(2, TrialStatus.FAILED, role=TrialRole.WINNER, values={"lr": 0.02}, reason="The disk is full.")
    assert progress([trial(1), winner], status=SweepStatus.COMPLETED).sentence == (
        "Trial 1 won: learning rate 0.02. It has not been tested. The disk is full."
    )


def test_a_final_trial_that_failed_or_was_stopped_is_repeated_once_the_search_is_extended() -> None:
    stopped = trial(2, TrialStatus.STOPPED, role=TrialRole.WINNER, values={"lr": 0.02})
    baseline = trial(3, role=TrialRole.BASELINE, values={})
    assert missing_finals(spec(), [trial(1), stopped, baseline]) == []
    extended = [trial(1), stopped, baseline, trial(4, value=0.5)]
    assert missing_finals(spec(), extended) == [(TrialRole.WINNER, {"lr": 0.02})]


@pytest.mark.parametrize(
    ("trials", "status", "sentence"),
    [
        ([], SweepStatus.COMPLETED, "The search ended before a trial had a result (none had started). Give the search"),
        ([trial(1, TrialStatus.STOPPED), trial(2, PRUNED)], SweepStatus.COMPLETED, "(1 stopped, 1 pruned). Give"),
        ([trial(1, TrialStatus.STOPPED)], SweepStatus.STOPPED, "No trial has a result (1 stopped)."),
        ([trial(1, TrialStatus.FAILED)], SweepStatus.FAILED, "No trial has a result (1 failed)."),
    ],
)
def test_an_end_without_a_result_says_so(trials: list[Trial], status: SweepStatus, sentence: str) -> None:
    assert sentence in progress(trials, 30.0, status).sentence


def test_a_target_that_no_trial_reached_is_named() -> None:
    missed = trial(1, value=20.0, reason="It reached 95.00 %, not 99.00 %.")
    reached = trial(2, value=30.0)
    ended: dict[str, Any] = {"status": SweepStatus.COMPLETED, "objective": "time", "target": 0.99}
    assert progress([missed], **ended).sentence == (
        "No trial reached 99.00 %; the best was trial 1: learning rate 0.02. Lower the target, or search by best "
        "validation accuracy."
    )
    assert progress([missed, reached], **ended).sentence == ("Trial 2 won: learning rate 0.04. It has not been tested.")


def test_the_test_of_the_winner_takes_three_runs_of_each_rival_and_their_test() -> None:
    spec = SweepSpec(parameters=(Range("lr", 0.001, 0.3, log=True),), trials=1)
    assert 6 < confirming_share(spec) < 9
    assert confirming_share(replace(spec, compare_with={"lr": 0.5})) == pytest.approx(1.5 * confirming_share(spec))
    assert confirming_share(replace(spec, seeds=3)) == pytest.approx(confirming_share(spec) / 3)
