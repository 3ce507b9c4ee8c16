"""Pausing a sweep, and going on with it: its runs follow, whichever controller has told them to pause."""

import threading
from collections import deque

import pytest

from mnist_core.errors import StaleAttemptError
from mnist_core.records import Command, RunStatus, SweepStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.controller import Controller
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.running_trial import RunningTrial
from mnist_core.sweeps.trials.watched_runs import PauseSwitch
from mnist_core.system.processes import own_identity
from tests.support.processes import Eventually
from tests.support.scripted_trials import LR, Script, ScriptedProcesses, claim
from tests.support.web.page_driver import active_run


def test_a_paused_sweep_of_a_server_is_paused_when_it_starts_again(store: RunStore) -> None:
    spec = SweepSpec(parameters=(LR,), trials=2, workers=1)
    created = control.create(store, spec, in_server=True)
    events = Controller(store, store.sweeps.claim_sweep(created.id, own_identity()), ScriptedProcesses(store)).events()
    next(events)
    control.pause(store, created)
    next(events)
    events.close()
    assert store.sweeps.get_sweep(created.id).status is SweepStatus.PAUSED
    assert control.go_on(store, created).status is SweepStatus.RUNNING


def test_pause_reaches_the_runs_and_starts_no_trial(store: RunStore, eventually: Eventually) -> None:
    sweep = claim(store, trials=9, workers=1)
    processes = ScriptedProcesses(store, deque([Script((0.5,), RunStatus.RUNNING)] * 9))
    events = Controller(store, sweep, processes).events()
    next(events)
    thread = threading.Thread(target=lambda: list(events))
    thread.start()
    try:
        eventually(lambda: bool(store.sweeps.list_runs(sweep.id)))
        (run,) = store.sweeps.list_runs(sweep.id)
        control.pause(store, sweep)
        eventually(lambda: [item.command.value for item in store.queries.list_commands(run.id, 0)] == ["pause"])
        store.sweeps.request_status(sweep.id, SweepStatus.RUNNING)
        eventually(
            lambda: [item.command.value for item in store.queries.list_commands(run.id, 0)] == ["pause", "resume"]
        )
        assert len(processes.jobs) == 1
    finally:
        control.stop(store, sweep)
        thread.join(10)


def test_runs_that_are_adopted_paused_are_resumed_with_the_sweep(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1)
    processes = ScriptedProcesses(store)
    events = Controller(store, sweep, processes).events()
    next(events)
    first = store.sweeps.list_trials(sweep.id)[0]
    running = RunningTrial(SweepSpec.from_json(sweep.spec), first)
    processes.scripts.append(Script((0.5,), RunStatus.RUNNING))
    processes.launch(running.job(sweep, 1))
    (run,) = store.sweeps.list_runs(sweep.id)
    store.trainer_writes.set_paused(run, paused=True)
    again = store.sweeps.claim_sweep(sweep.id, own_identity())  # the controller was killed, and the sweep resumed since
    next(Controller(store, again, ScriptedProcesses(store))._tick(), None)
    assert [item.command.value for item in store.queries.list_commands(run.id, 0)] == ["resume"]
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    with pytest.raises(StaleAttemptError):
        list(events)


def test_adopted_runs_that_have_not_read_the_pause_yet_train_on_with_the_sweep(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1)
    processes = ScriptedProcesses(store)
    events = Controller(store, sweep, processes).events()
    next(events)
    running = RunningTrial(SweepSpec.from_json(sweep.spec), store.sweeps.list_trials(sweep.id)[0])
    processes.scripts.append(Script((0.5,), RunStatus.RUNNING))
    processes.launch(running.job(sweep, 1))
    (run,) = store.sweeps.list_runs(sweep.id)
    store.commands.send_command(run.id, Command.PAUSE, by=sweep.name)  # by a controller that is killed then
    again = store.sweeps.claim_sweep(sweep.id, own_identity())
    next(Controller(store, again, ScriptedProcesses(store))._tick(), None)
    commands = [item.command for item in store.queries.list_commands(run.id, 0)]
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)  # before the first controller ends it with this process
    assert commands == [Command.PAUSE, Command.RESUME]
    with pytest.raises(StaleAttemptError):
        list(events)


def test_pausing_reaches_runs_that_begin_later_and_leaves_those_that_have_just_ended(store: RunStore) -> None:
    early, ended, late = (active_run(store) for _ in range(3))
    store.trainer_writes.finish_run(ended, RunStatus.COMPLETED)  # after it was read
    switch = PauseSwitch(store, "sweep-1")
    switch.set([early, ended], True)
    switch.pause_others([early, late])
    switch.pause_others([early, late])
    sent = [[item.command.value for item in store.queries.list_commands(run.id, 0)] for run in (early, ended, late)]
    assert sent == [["pause"], [], ["pause"]]


def test_a_run_that_begins_after_the_pause_is_paused_too(store: RunStore) -> None:
    sweep = claim(store, trials=1, workers=1)
    processes = ScriptedProcesses(store, deque([Script(status=None)]))  # its process has not begun its run yet
    controller = Controller(store, sweep, processes)
    list(controller._tick())
    control.pause(store, sweep)
    list(controller._tick())
    trial = RunningTrial(SweepSpec.from_json(sweep.spec), store.sweeps.list_trials(sweep.id)[0])
    processes.scripts.append(Script((0.5,), RunStatus.RUNNING))
    processes.launch(trial.job(sweep, 1))
    (run,) = store.sweeps.list_runs(sweep.id)
    for _ in range(2):
        list(controller._tick())
    assert [item.command.value for item in store.queries.list_commands(run.id, 0)] == ["pause"]
