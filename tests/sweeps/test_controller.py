"""The controller of a sweep, with processes that train nothing: each trial starts once, ends once, and for a reason."""

import itertools
import threading
from collections import deque
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import DiskFullError, StaleAttemptError, StoreLockedError, SweepStateError
from mnist_core.records import ProcessIdentity, RunStatus, Sweep, SweepStatus, Trial, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control, controller
from mnist_core.sweeps.controller import Controller
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.processes import SWEEP_INTERRUPTED
from mnist_core.sweeps.trials.running_trial import RunningTrial
from mnist_core.system.processes import own_identity
from tests.support.processes import Eventually
from tests.support.scripted_trials import GONE, LR, Script, ScriptedProcesses, carry_out, claim, searched


def statuses(store: RunStore, sweep: Sweep) -> list[str]:
    return [trial.status.value for trial in searched(store, sweep)]


def test_it_yields_each_trial_when_it_starts_and_ends_and_the_sweep(store: RunStore) -> None:
    sweep = claim(store)
    events = list(Controller(store, sweep, ScriptedProcesses(store)).events())
    trials = [
        (event.number, event.status) for event in events if isinstance(event, Trial) and event.role is TrialRole.SEARCH
    ]
    assert sorted(trials) == sorted(
        (number, status) for number in (1, 2, 3) for status in (TrialStatus.RUNNING, TrialStatus.COMPLETED)
    )
    assert events[-1] == store.sweeps.get_sweep(sweep.id)
    assert store.sweeps.get_sweep(sweep.id).status is SweepStatus.COMPLETED


def test_the_result_is_the_best_validation(store: RunStore) -> None:
    sweep = claim(store, trials=1)
    carry_out(store, sweep, Script((0.5, 0.9, 0.8)))
    (trial,) = searched(store, sweep)
    assert trial.value == 0.9


def test_runs_skip_the_test_and_have_the_values_of_their_trial(store: RunStore) -> None:
    sweep = claim(store, trials=1, fixed={"epochs": 2})
    carry_out(store, sweep)
    (trial,), (run,) = searched(store, sweep), store.sweeps.list_runs(sweep.id, [1])
    assert (run.config.skip_test, run.config.epochs, run.config.lr) == (True, 2, trial.values["lr"])


def test_no_trial_starts_while_a_run_of_a_person_trains(store: RunStore, eventually: Eventually) -> None:
    sweep = claim(store, trials=2, workers=1)
    events = Controller(store, sweep, ScriptedProcesses(store)).events()
    assert isinstance(next(events), Trial)
    run = store.commands.create_run(TrainConfig(dataset="mnist"), "mine")
    claimed = store.trainer_writes.claim_run(run.id, own_identity(), max_active=1)
    assert claimed
    assert next(events).status is TrialStatus.COMPLETED
    waiting = threading.Thread(target=lambda: list(events))
    waiting.start()
    sentence = "Waits until mine has ended: runs go before trials."
    eventually(lambda: store.sweeps.get_sweep(sweep.id).waits_for == sentence)
    assert len(store.sweeps.list_trials(sweep.id)) == 1
    store.trainer_writes.finish_run(claimed, RunStatus.COMPLETED)
    waiting.join(30)
    ended = store.sweeps.get_sweep(sweep.id)
    assert (ended.status, ended.waits_for, len(searched(store, sweep))) == (SweepStatus.COMPLETED, "", 2)


def test_a_queued_run_blocks_trials_in_a_server_alone(store: RunStore) -> None:
    store.commands.create_run(TrainConfig(dataset="mnist"), "mine")
    ended, _ = carry_out(store, claim(store))
    assert ended.status is SweepStatus.COMPLETED, "no server may ever start the run"
    created = control.create(store, SweepSpec(parameters=(LR,), trials=1), in_server=True)
    served = Controller(store, store.sweeps.claim_sweep(created.id, own_identity()), ScriptedProcesses(store))
    list(itertools.islice(served._tick(), 9))
    assert served._find_obstacle() == "Waits until mine has ended: runs go before trials."
    assert store.sweeps.list_trials(created.id) == []


def test_several_seeds_make_one_result(store: RunStore) -> None:
    sweep = claim(store, trials=1, seeds=2, workers=1)
    _, processes = carry_out(store, sweep, Script((0.8,)), Script((0.6,)))
    (trial,) = searched(store, sweep)
    assert trial.value == pytest.approx(0.7)
    assert [job.seed for job in processes.jobs if job.trial == 1] == [1, 2]
    assert len(store.sweeps.list_runs(sweep.id, [1])) == 2


def test_a_trial_that_diverged_has_the_result_of_guessing(store: RunStore) -> None:
    sweep = claim(store, trials=1)
    carry_out(store, sweep, Script((), RunStatus.DIVERGED, "Loss became NaN."))
    (trial,) = searched(store, sweep)
    assert (trial.status, trial.value) == (TrialStatus.DIVERGED, 0.1)


def test_a_killed_process_is_resumed_once(store: RunStore) -> None:
    sweep = claim(store, trials=1)
    ended, processes = carry_out(store, sweep, Script((0.5,), is_killed=True))
    (trial,), (run,) = searched(store, sweep), store.sweeps.list_runs(sweep.id, [1])
    assert (ended.status, trial.status, trial.kills) == (SweepStatus.COMPLETED, TrialStatus.COMPLETED, 1)
    assert (run.attempt, len([job for job in processes.jobs if job.trial == 1])) == (2, 2)


def test_a_trial_killed_twice_fails_and_the_sweep_goes_on(store: RunStore) -> None:
    sweep = claim(store, trials=2, workers=1)
    ended, processes = carry_out(store, sweep, Script(is_killed=True), Script(is_killed=True))
    assert statuses(store, sweep) == ["failed", "completed"]
    assert (ended.status, len([job for job in processes.jobs if job.trial <= 2])) == (SweepStatus.COMPLETED, 3)
    assert "(pid 1) is gone" in store.sweeps.list_trials(sweep.id)[0].reason


def test_a_process_that_never_began_its_run_is_launched_once_more(store: RunStore) -> None:
    sweep = claim(store, trials=1)
    carry_out(store, sweep, Script(status=None))
    assert statuses(store, sweep) == ["completed"]


def test_a_sweep_whose_trials_all_fail_ends_early_and_says_why(store: RunStore) -> None:
    sweep = claim(store, trials=50, workers=1)
    failing = [Script((), RunStatus.FAILED, "The data folder is missing.")] * 50
    ended, processes = carry_out(store, sweep, *failing)
    assert (ended.status, ended.reason) == (SweepStatus.FAILED, "The data folder is missing.")
    assert len(processes.jobs) == controller.MAX_FAILURES


def test_a_run_that_a_person_stops_ends_its_trial(store: RunStore) -> None:
    sweep = claim(store, trials=2, workers=1)
    carry_out(store, sweep, Script((0.5,), RunStatus.STOPPED))
    assert statuses(store, sweep) == ["stopped", "completed"]


def test_the_target_ends_a_trial_and_its_time_is_the_result(store: RunStore) -> None:
    sweep = claim(store, trials=2, workers=1, objective="time", target=0.8)
    scripts = Script((0.5, 0.7, 0.9), RunStatus.RUNNING), Script((0.5, 0.6))
    carry_out(store, sweep, *scripts)
    first, second = searched(store, sweep)
    assert (first.status, first.value) == (TrialStatus.COMPLETED, 3.0)
    assert (second.status, second.value) == (TrialStatus.COMPLETED, 20.0)  # never reached: ten times its 2 s
    assert store.sweeps.list_runs(sweep.id, [1])[0].status is RunStatus.STOPPED


def test_a_trial_that_lags_behind_is_pruned_and_its_run_stopped(store: RunStore) -> None:
    sweep = claim(store, trials=7, workers=1, pruner="median")
    scripts = [Script((0.8, 0.9, 0.9))] * 6 + [Script((0.2, 0.2), RunStatus.RUNNING)]
    carry_out(store, sweep, *scripts)
    assert statuses(store, sweep) == ["completed"] * 6 + ["pruned"]
    (run,) = store.sweeps.list_runs(sweep.id, [7])
    reason = "Pruned after 2 steps: the median of the others was better, 90.00 % against 20.00 %."
    assert (run.status, run.reason, searched(store, sweep)[6].reason) == (RunStatus.STOPPED, reason, reason)


def test_the_time_ends_trials_in_progress(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = claim(store, trials=None, minutes=0.01, workers=1)
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: 0.1 * next(ticks), sleep=lambda _seconds: None)
    monkeypatch.setattr(controller, "time", clock)
    ended, _ = carry_out(store, sweep, Script((0.9,)), Script((0.5,), RunStatus.RUNNING))
    assert ended.status is SweepStatus.COMPLETED
    assert ended.elapsed_seconds >= 0.6
    assert statuses(store, sweep) == ["completed", "stopped"]


def test_at_most_as_many_runs_train_as_there_are_workers(store: RunStore) -> None:
    sweep = claim(store, trials=9, workers=2)
    processes = ScriptedProcesses(store, deque([Script((0.5,), RunStatus.RUNNING)] * 9))
    with closing(Controller(store, sweep, processes).events()) as events:
        assert [next(events).number for _ in range(2)] == [1, 2]  # type: ignore[union-attr]
        store.sweeps.request_status(sweep.id, SweepStatus.STOPPING)
        list(events)
    assert len(processes.jobs) == 2


def test_stop_ends_the_trials_and_the_sweep(store: RunStore) -> None:
    sweep = claim(store, trials=9)
    processes = ScriptedProcesses(store, deque([Script((0.5,), RunStatus.RUNNING)] * 9))
    events = Controller(store, sweep, processes).events()
    next(events)
    control.stop(store, sweep)
    list(events)
    assert store.sweeps.get_sweep(sweep.id).status is SweepStatus.STOPPED
    assert set(statuses(store, sweep)) == {"stopped"}
    assert {run.status for run in store.sweeps.list_runs(sweep.id)} == {RunStatus.STOPPED}


def test_a_closed_generator_interrupts_the_sweep_and_the_next_one_goes_on(store: RunStore) -> None:
    sweep = claim(store, trials=3, workers=1)
    events = Controller(store, sweep, ScriptedProcesses(store)).events()
    next(event for event in events if isinstance(event, Trial) and event.status is TrialStatus.COMPLETED)
    events.close()
    interrupted = store.sweeps.get_sweep(sweep.id)
    assert (interrupted.status, interrupted.reason) == (SweepStatus.INTERRUPTED, SWEEP_INTERRUPTED)
    again = store.sweeps.claim_sweep(sweep.id, own_identity())
    ended, _ = carry_out(store, again)
    assert (ended.status, statuses(store, sweep)) == (SweepStatus.COMPLETED, ["completed"] * 3)


def test_the_next_controller_adopts_runs_that_train_on(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1)
    processes = ScriptedProcesses(store, deque([Script((0.5,), RunStatus.RUNNING)]))
    events = Controller(store, sweep, processes).events()
    next(events)
    first = store.sweeps.list_trials(sweep.id)[0]
    processes.launch(RunningTrial(SweepSpec.from_json(sweep.spec), first).job(sweep, 1))
    again = store.sweeps.claim_sweep(sweep.id, own_identity())  # as after a kill
    adopting = ScriptedProcesses(store)
    adopted = Controller(store, again, adopting).events()
    (run,) = store.sweeps.list_runs(sweep.id)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    list(adopted)
    assert [job for job in adopting.jobs if job.trial == 1] == []
    assert [(trial.status, trial.value) for trial in searched(store, sweep)] == [(TrialStatus.COMPLETED, 0.5)]
    with pytest.raises(StaleAttemptError):
        list(events)


def test_a_run_interrupted_in_order_does_not_count_as_killed(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1)
    carry_out(store, sweep, *[Script((0.5,), RunStatus.INTERRUPTED, SWEEP_INTERRUPTED)] * 3)
    (trial,) = searched(store, sweep)
    assert (trial.status, trial.kills) == (TrialStatus.COMPLETED, 0)


def test_a_locked_database_is_tried_again(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = claim(store, trials=2, workers=1)
    real, calls = store.sweeps.end_trial, []

    def locked_at_first(*args: Any, **kwargs: Any) -> Trial:
        calls.append(args)
        if len(calls) == 1:
            raise StoreLockedError("locked")
        return real(*args, **kwargs)

    monkeypatch.setattr(store.sweeps, "end_trial", locked_at_first)
    ended, _ = carry_out(store, sweep)
    assert (ended.status, statuses(store, sweep)) == (SweepStatus.COMPLETED, ["completed"] * 2)


def test_a_full_disk_interrupts_the_sweep(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = claim(store, trials=2, workers=1)
    real = store.sweeps.add_trial

    def full(*_args: Any) -> Trial:
        raise DiskFullError("The disk is full.")

    monkeypatch.setattr(store.sweeps, "add_trial", full)
    with pytest.raises(DiskFullError, match="The disk is full"):
        carry_out(store, sweep)
    assert store.sweeps.get_sweep(sweep.id).status is SweepStatus.INTERRUPTED
    monkeypatch.setattr(store.sweeps, "add_trial", real)
    ended, _ = carry_out(store, store.sweeps.claim_sweep(sweep.id, own_identity()))
    assert ended.status is SweepStatus.COMPLETED


def test_extending_adds_to_the_budget_and_ends_again(store: RunStore) -> None:
    sweep = claim(store, trials=1)
    carry_out(store, sweep)
    extended = control.extend(store, sweep, trials=2)
    assert extended.status is SweepStatus.RUNNING
    ended, _ = carry_out(store, store.sweeps.claim_sweep(sweep.id, own_identity()))
    assert (ended.status, statuses(store, sweep)) == (SweepStatus.COMPLETED, ["completed"] * 3)


def test_two_who_extend_a_sweep_at_once_both_do(store: RunStore) -> None:
    sweep = claim(store, trials=1)
    for _ in range(2):
        extended = control.extend(store, sweep, trials=2)
    assert extended.spec["trials"] == 5


def test_a_sweep_whose_controller_is_gone_is_shown_as_interrupted_and_can_be_stopped(store: RunStore) -> None:
    created = control.create(store, SweepSpec(parameters=(LR,), trials=1))
    lost = store.sweeps.claim_sweep(created.id, GONE)
    assert control.shown_status(lost) is SweepStatus.INTERRUPTED
    assert control.stop(store, lost).status is SweepStatus.STOPPED


def test_no_two_controllers_carry_out_a_sweep(store: RunStore) -> None:
    sweep = claim(store)
    assert isinstance(sweep.controller, ProcessIdentity)
    with pytest.raises(SweepStateError, match="carried out by another process already"):
        next(control.resume(store, sweep))
