"""Sweeps and trials in the store: who may write them, and that each trial starts and ends once."""

from dataclasses import replace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import StaleAttemptError, StoreError, SweepNotFoundError, SweepStateError
from mnist_core.records import Run, RunStatus, Sweep, SweepStatus, Trial, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity
from tests.support.files.storage import bundled_sqlite

SPEC = {"parameters": {"lr": [0.1, 0.2]}, "trials": 2}
CONFIG = TrainConfig(dataset="mnist-5k", lr=0.1)


@pytest.fixture
def sweep(store: RunStore) -> Sweep:
    return store.sweeps.claim_sweep(store.sweeps.create_sweep(SPEC).id, own_identity())


def add_trial(store: RunStore, sweep: Sweep) -> Trial:
    return store.sweeps.add_trial(sweep, TrialRole.SEARCH, {"lr": 0.1}, {"grid_id": 0})


def begin_run(store: RunStore, sweep: Sweep, trial: Trial, seed: int = 1) -> Run | None:
    config, name = replace(CONFIG, seed=seed), f"{sweep.name}-trial-{trial.number}"
    return store.sweeps.begin_run(
        sweep.id, trial.number, attempt=sweep.attempt, config=config, trainer=own_identity(), name=name
    )


def test_a_new_sweep_has_no_controller_and_a_name(store: RunStore) -> None:
    created = store.sweeps.create_sweep(SPEC)
    assert (created.name, created.status, created.controller) == ("sweep-1", SweepStatus.RUNNING, None)
    assert created.spec == SPEC
    assert store.sweeps.list_sweeps() == [created]
    assert store.sweeps.find_sweep("sweep-1") == store.sweeps.find_sweep("1") == created


def test_a_name_that_is_taken_becomes_the_number(store: RunStore) -> None:
    names = [store.sweeps.create_sweep(SPEC, "rates").name for _ in range(2)]
    assert names == ["rates", "sweep-2"]


def test_an_unknown_sweep_is_an_error(store: RunStore) -> None:
    with pytest.raises(SweepNotFoundError, match="There is no sweep 'rates'"):
        store.sweeps.find_sweep("rates")
    with pytest.raises(SweepNotFoundError, match="There is no sweep 7"):
        store.sweeps.get_sweep(7)


def test_a_trial_and_its_run_know_each_other(store: RunStore, sweep: Sweep) -> None:
    trial = add_trial(store, sweep)
    run = begin_run(store, sweep, trial)
    assert run
    assert (run.sweep_id, run.trial, run.name) == (sweep.id, 1, "sweep-1-trial-1")
    assert (run.status, run.attempt, run.config) == (RunStatus.PREPARING, 1, CONFIG)
    assert store.sweeps.list_runs(sweep.id) == store.sweeps.list_runs(sweep.id, [1]) == [run]
    assert store.sweeps.list_runs(sweep.id, [2]) == []


def test_trials_are_numbered_and_keep_what_the_sampler_noted(store: RunStore, sweep: Sweep) -> None:
    trials = [add_trial(store, sweep) for _ in range(2)]
    assert [trial.number for trial in trials] == [1, 2]
    ended = store.sweeps.end_trial(sweep, trials[0], TrialStatus.COMPLETED, value=0.9, sampler_state={"rung": 0.5})
    assert store.sweeps.list_trials(sweep.id) == [ended, trials[1]]
    assert (ended.value, ended.sampler_state) == (0.9, {"rung": 0.5})


def test_a_trial_ends_once(store: RunStore, sweep: Sweep) -> None:
    trial = add_trial(store, sweep)
    store.sweeps.end_trial(sweep, trial, TrialStatus.PRUNED, value=0.5)
    ended = store.sweeps.end_trial(sweep, trial, TrialStatus.COMPLETED, value=0.9)
    assert (ended.status, ended.value) == (TrialStatus.PRUNED, 0.5)


def test_a_run_of_a_trial_begins_once(store: RunStore, sweep: Sweep) -> None:
    trial = add_trial(store, sweep)
    assert begin_run(store, sweep, trial)
    assert begin_run(store, sweep, trial) is None
    assert begin_run(store, sweep, trial, seed=2)


def test_an_interrupted_run_of_a_trial_is_resumed(store: RunStore, sweep: Sweep) -> None:
    trial = add_trial(store, sweep)
    run = begin_run(store, sweep, trial)
    assert run
    store.commands.interrupt_run(run, "Killed.")
    resumed = begin_run(store, sweep, trial)
    assert resumed
    assert (resumed.id, resumed.attempt) == (run.id, 2)


def test_an_interrupted_run_in_the_bin_is_not_resumed(store: RunStore, sweep: Sweep) -> None:
    trial = add_trial(store, sweep)
    run = begin_run(store, sweep, trial)
    assert run
    store.commands.interrupt_run(run, "Killed.")
    store.commands.delete_runs([run.id])
    assert begin_run(store, sweep, trial) is None


def test_no_run_begins_for_a_trial_that_has_ended(store: RunStore, sweep: Sweep) -> None:
    trial = add_trial(store, sweep)
    store.sweeps.end_trial(sweep, trial, TrialStatus.FAILED)
    assert begin_run(store, sweep, trial) is None


def test_an_earlier_controller_can_write_no_more(store: RunStore, sweep: Sweep) -> None:
    trial = add_trial(store, sweep)
    store.sweeps.claim_sweep(sweep.id, own_identity())
    for write in (
        lambda: add_trial(store, sweep),
        lambda: store.sweeps.end_trial(sweep, trial, TrialStatus.COMPLETED, value=1.0),
        lambda: store.sweeps.count_kill(sweep, trial),
        lambda: store.sweeps.report_progress(sweep, 3.0),
        lambda: store.sweeps.end_sweep(sweep, SweepStatus.COMPLETED),
    ):
        with pytest.raises(StaleAttemptError, match="no longer holds the sweep"):
            write()
    assert store.sweeps.list_trials(sweep.id) == [trial]
    assert begin_run(store, sweep, trial) is None


def test_a_controller_hears_what_people_ask_for(store: RunStore, sweep: Sweep) -> None:
    store.sweeps.request_status(sweep.id, SweepStatus.PAUSED)
    heard = store.sweeps.report_progress(sweep, 1.5)
    assert (heard.status, heard.elapsed_seconds) == (SweepStatus.PAUSED, 1.5)


def test_a_sweep_that_stops_is_not_set_going_again(store: RunStore, sweep: Sweep) -> None:
    store.sweeps.request_status(sweep.id, SweepStatus.STOPPING)
    assert store.sweeps.request_status(sweep.id, SweepStatus.RUNNING).status is SweepStatus.STOPPING
    with pytest.raises(SweepStateError, match="is stopping: wait until it has"):
        store.sweeps.replace_spec(sweep.id, dict)


def test_a_sweep_that_has_ended_goes_on_only_when_it_is_extended(store: RunStore, sweep: Sweep) -> None:
    store.sweeps.end_sweep(sweep, SweepStatus.COMPLETED)
    with pytest.raises(SweepStateError, match="sweep-1 is finished"):
        store.sweeps.request_status(sweep.id, SweepStatus.PAUSED)
    with pytest.raises(SweepStateError, match="Extend it to go on"):
        store.sweeps.claim_sweep(sweep.id, own_identity())
    extended = store.sweeps.replace_spec(sweep.id, lambda spec: {**spec, "trials": 9})
    assert (extended.status, extended.spec["trials"], extended.finished_at) == (SweepStatus.RUNNING, 9, None)
    assert store.sweeps.claim_sweep(sweep.id, own_identity()).attempt == 2


def test_a_damaged_sweep_is_one_sentence(store: RunStore, sweep: Sweep) -> None:
    connection = bundled_sqlite.connect(str(runs_dir() / DATABASE_NAME))
    connection.execute("UPDATE sweeps SET spec = '[1'")
    connection.commit()
    connection.close()
    with pytest.raises(StoreError, match=r"What is stored of sweep 1 cannot be read .* Restore a backup\."):
        store.sweeps.get_sweep(sweep.id)


def test_deleting_runs_of_a_sweep_keeps_its_trials(store: RunStore, sweep: Sweep) -> None:
    trial = add_trial(store, sweep)
    run = begin_run(store, sweep, trial)
    assert run
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    store.commands.delete_runs([run.id])
    assert store.sweeps.list_trials(sweep.id) == [trial]
