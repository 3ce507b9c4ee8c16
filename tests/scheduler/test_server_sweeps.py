"""When the supervisor starts, replaces and gives up the controllers of sweeps, over a scripted fork server."""

import dataclasses
import signal
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import DiskFullError, RunStateError, StoreLockedError
from mnist_core.records import RunStatus, Sweep, SweepStatus, TrialRole, TrialStatus
from mnist_core.scheduler import server_sweeps
from mnist_core.scheduler.recovery import StallDetector
from mnist_core.scheduler.server_sweeps import MAX_LOSSES
from mnist_core.sweeps import control
from mnist_core.sweeps.control import controller_id
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity
from mnist_core.trainer.speed import CALIBRATION_RUN_ID
from tests.scheduler.scripted_fork_server import DEAD, SupervisorHarness
from tests.support.files.damage import execute
from tests.support.processes import Eventually

SPEC = SweepSpec(parameters=(Range("lr", 0.001, 1.0, log=True),), trials=4)


def add_sweep(harness: SupervisorHarness) -> Sweep:
    return control.create(harness.store, SPEC, in_server=True)


def claim(harness: SupervisorHarness, sweep: Sweep) -> Sweep:
    """Give a sweep the controller that the fork server has forked for it: this process."""
    return harness.store.sweeps.claim_sweep(sweep.id, own_identity())


def tend(harness: SupervisorHarness) -> list[int]:
    """Have the supervisor look once. Returns the sweeps whose controllers were launched by now."""
    harness.supervisor._sweeps.tend()
    return [control.sweep_of_controller(number) for number in harness.fork_server.launched_ids]


def status(harness: SupervisorHarness, sweep: Sweep) -> SweepStatus:
    return harness.store.sweeps.get_sweep(sweep.id).status


def test_a_started_supervisor_launches_a_controller(running: SupervisorHarness, eventually: Eventually) -> None:
    sweep = add_sweep(running)
    running.supervisor.wake()
    eventually(lambda: running.fork_server.launched_ids == [controller_id(sweep.id)])


def test_one_sweep_at_a_time_and_the_oldest_first(idle: SupervisorHarness) -> None:
    first, second = add_sweep(idle), add_sweep(idle)
    assert tend(idle) == tend(idle) == [first.id]
    claimed = claim(idle, first)
    assert tend(idle) == [first.id]
    assert "Waits until sweep-1 has ended" in control.waits_for(idle.store, second)
    idle.store.sweeps.end_sweep(claimed, SweepStatus.COMPLETED)
    idle.fork_server.end(controller_id(first.id), 0)
    assert control.waits_for(idle.store, second) == "Waits for the server to start it."
    assert tend(idle) == [first.id, second.id]


def test_a_sweep_of_a_terminal_is_left_to_it(idle: SupervisorHarness) -> None:
    control.create(idle.store, SPEC)
    assert tend(idle) == []


def test_a_paused_sweep_starts_when_it_goes_on_and_keeps_none_from_starting(idle: SupervisorHarness) -> None:
    paused, other = add_sweep(idle), add_sweep(idle)
    control.pause(idle.store, paused)
    assert tend(idle) == [other.id]
    idle.store.sweeps.end_sweep(claim(idle, other), SweepStatus.COMPLETED)
    idle.fork_server.end(controller_id(other.id), 0)
    assert tend(idle) == [other.id]
    control.go_on(idle.store, paused)
    assert tend(idle) == [other.id, paused.id]


def test_an_interrupted_sweep_goes_on_when_the_server_starts(idle: SupervisorHarness) -> None:
    sweep = add_sweep(idle)
    idle.store.sweeps.end_sweep(claim(idle, sweep), SweepStatus.INTERRUPTED)
    assert tend(idle) == [sweep.id]


def test_a_sweep_that_is_stopped_before_it_has_a_controller_needs_none(idle: SupervisorHarness) -> None:
    sweep, lost = add_sweep(idle), add_sweep(idle)
    control.stop(idle.store, sweep)
    idle.store.sweeps.claim_sweep(lost.id, DEAD)
    idle.store.sweeps.request_status(lost.id, SweepStatus.STOPPING)
    assert tend(idle) == []
    assert status(idle, sweep) is status(idle, lost) is SweepStatus.STOPPED


def test_a_killed_controller_is_replaced_and_the_sweep_fails_when_nothing_helps(idle: SupervisorHarness) -> None:
    sweep = add_sweep(idle)
    trial = idle.store.sweeps.add_trial(claim(idle, sweep), TrialRole.SEARCH, {"lr": 0.1}, {})
    idle.store.sweeps.claim_sweep(sweep.id, DEAD)
    for losses in range(1, MAX_LOSSES + 1):
        assert tend(idle) == [sweep.id] * losses
        idle.fork_server.end(controller_id(sweep.id), -signal.SIGKILL)
    assert tend(idle) == [sweep.id] * MAX_LOSSES
    failed = idle.store.sweeps.get_sweep(sweep.id)
    assert failed.status is SweepStatus.FAILED
    assert failed.reason == "Its controller was killed (SIGKILL) 3 times in a row. Extend the sweep to try again."
    (ended,) = idle.store.sweeps.list_trials(sweep.id)
    assert (ended.number, ended.status) == (trial.number, TrialStatus.STOPPED)


@pytest.mark.parametrize("write", ["claim_sweep", "list_trials", "end_sweep"])
def test_on_a_full_disk_a_sweep_fails_when_there_is_room(
    idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch, write: str
) -> None:
    sweep = add_sweep(idle)
    for _ in range(MAX_LOSSES):
        tend(idle)
        idle.fork_server.end(controller_id(sweep.id), 1)

    def refuse(*_arguments: object, **_values: object) -> None:
        raise DiskFullError("The disk is full.")

    with monkeypatch.context() as full:
        full.setattr(idle.store.sweeps, write, refuse)
        with pytest.raises(DiskFullError):
            tend(idle)
    assert tend(idle) == [sweep.id] * MAX_LOSSES
    failed = idle.store.sweeps.get_sweep(sweep.id)
    assert (failed.status, failed.reason.split(",")[0]) == (SweepStatus.FAILED, "Its controller failed")


@pytest.mark.parametrize(("owner", "write"), [("commands", "request_stop"), ("sweeps", "end_trial")])
def test_a_stop_that_fails_on_a_full_disk_ends_the_runs_when_there_is_room(
    idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch, owner: str, write: str
) -> None:
    store, sweep = idle.store, add_sweep(idle)
    trial = store.sweeps.add_trial(claim(idle, sweep), TrialRole.SEARCH, {"lr": 0.1}, {})
    config = SPEC.config(trial.values)
    run = store.sweeps.begin_run(sweep.id, 1, attempt=1, config=config, trainer=own_identity(), name="trial")
    assert run
    store.sweeps.claim_sweep(sweep.id, DEAD)
    store.sweeps.request_status(sweep.id, SweepStatus.STOPPING)

    def refuse(*_arguments: object, **_values: object) -> None:
        raise DiskFullError("The disk is full.")

    with monkeypatch.context() as full:
        full.setattr(getattr(store, owner), write, refuse)
        with pytest.raises(DiskFullError):
            tend(idle)
    tend(idle)
    assert store.sweeps.get_sweep(sweep.id).status is SweepStatus.STOPPED
    assert [trial.status for trial in store.sweeps.list_trials(sweep.id)] == [TrialStatus.STOPPED]
    assert store.queries.get_run(run.id).status is RunStatus.STOPPING


def test_a_damaged_sweep_does_not_hold_up_the_others(idle: SupervisorHarness) -> None:
    damaged, sound = add_sweep(idle), add_sweep(idle)
    execute(runs_dir(), "UPDATE sweeps SET spec = 'noise' WHERE id = ?", damaged.id)
    assert tend(idle) == [sound.id]


def test_a_sweep_with_a_damaged_trial_fails_and_the_next_one_starts(idle: SupervisorHarness) -> None:
    damaged, sound = add_sweep(idle), add_sweep(idle)
    idle.store.sweeps.add_trial(claim(idle, damaged), TrialRole.SEARCH, {"lr": 0.1}, {})
    idle.store.sweeps.claim_sweep(damaged.id, DEAD)
    execute(runs_dir(), "UPDATE trials SET settings = 'noise' WHERE sweep_id = ?", damaged.id)
    for _ in range(MAX_LOSSES):
        tend(idle)
        idle.fork_server.end(controller_id(damaged.id), 1)
    tend(idle)
    assert idle.store.sweeps.get_sweep(damaged.id).status is SweepStatus.FAILED
    assert tend(idle)[-1] == sound.id


def test_a_suspended_controller_is_killed_and_one_that_works_is_not(
    idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, used = [0.0], [0.0]
    monkeypatch.setattr(server_sweeps, "cpu_seconds", lambda _process: used[0])
    monkeypatch.setattr(idle.supervisor._sweeps, "_stalls", StallDetector(30.0, clock=lambda: now[0]))
    sweep = add_sweep(idle)
    claim(idle, sweep)
    for _ in range(100):
        now[0] += 1.0
        used[0] += 0.01
        tend(idle)
    assert idle.fork_server.calls == []
    for _ in range(31):
        now[0] += 1.0
        tend(idle)
    assert idle.fork_server.calls[0] == f"kill {controller_id(sweep.id)}"


def test_a_controller_that_waits_for_a_locked_database_is_not_killed(
    idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]

    def refuse() -> None:
        raise StoreLockedError("The database is locked.")

    monkeypatch.setattr(server_sweeps, "cpu_seconds", lambda _process: 0.0)
    monkeypatch.setattr(idle.supervisor._sweeps, "_stalls", StallDetector(30.0, clock=lambda: now[0]))
    monkeypatch.setattr(idle.store.commands, "check_writable", refuse)
    claim(idle, add_sweep(idle))
    for _ in range(100):
        now[0] += 1.0
        tend(idle)
    assert idle.fork_server.calls == []


def test_a_sweep_that_gets_on_between_losses_goes_on(idle: SupervisorHarness) -> None:
    sweep = add_sweep(idle)
    for losses in range(1, 3 * MAX_LOSSES):
        assert tend(idle) == [sweep.id] * losses
        claimed = claim(idle, sweep)
        idle.store.sweeps.add_trial(claimed, TrialRole.SEARCH, {"lr": 0.1}, {})
        idle.store.sweeps.claim_sweep(sweep.id, DEAD)
        idle.fork_server.end(controller_id(sweep.id), -signal.SIGKILL)
    assert status(idle, sweep) is SweepStatus.RUNNING


def test_the_controller_of_a_killed_server_is_adopted(idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    adopted: list[Any] = []
    monkeypatch.setattr(server_sweeps, "is_orphan", lambda _process: True)
    monkeypatch.setattr(idle.fork_server, "adopt", lambda *arguments: adopted.append(arguments), raising=False)
    sweep = add_sweep(idle)
    claim(idle, sweep)
    assert tend(idle) == []
    assert adopted == [(controller_id(sweep.id), own_identity())]


def test_runs_start_beside_trials(running: SupervisorHarness, eventually: Eventually) -> None:
    sweep = claim(running, add_sweep(running))
    for seed in (1, 2):
        trial = running.store.sweeps.add_trial(sweep, TrialRole.SEARCH, {"lr": 0.1}, {})
        assert running.store.sweeps.begin_run(
            sweep.id,
            trial.number,
            attempt=sweep.attempt,
            config=TrainConfig(dataset="mnist", seed=seed),
            trainer=own_identity(),
            name="",
        )
    run = running.supervisor.actions.submit(TrainConfig())
    eventually(lambda: run.id in running.fork_server.launched_ids)
    assert running.store.trainer_writes.claim_run(run.id, own_identity(), max_active=1)


def test_neither_range_tests_nor_calibration_disturb_a_sweep(
    idle: SupervisorHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = claim(idle, add_sweep(idle))
    with pytest.raises(RunStateError, match="Learning rates can be tested while no run trains"):
        idle.supervisor.range_tests.request(TrainConfig())
    idle.supervisor._needs_calibration = True
    idle.supervisor._last_busy_at = -1e9
    idle.supervisor._calibrate_when_idle()
    assert CALIBRATION_RUN_ID not in idle.fork_server.launched_ids
    idle.store.sweeps.end_sweep(sweep, SweepStatus.COMPLETED)
    idle.supervisor.range_tests.request(TrainConfig())


def test_a_run_blocks_trials_while_it_needs_the_cores(idle: SupervisorHarness) -> None:
    store = idle.store
    run = idle.supervisor.actions.submit(TrainConfig(), "mine")
    assert (store.sweeps.find_blocking_run(queued=True), store.sweeps.find_blocking_run(queued=False)) == ("mine", None)
    claimed = store.trainer_writes.claim_run(run.id, own_identity(), max_active=1)
    assert claimed
    assert store.sweeps.find_blocking_run(queued=False) == "mine"
    store.trainer_writes.finish_run(claimed, RunStatus.COMPLETED)
    assert store.sweeps.find_blocking_run(queued=True) is None
    lost = idle.supervisor.actions.submit(TrainConfig())
    assert store.trainer_writes.claim_run(lost.id, dataclasses.replace(DEAD), max_active=1)
    assert store.sweeps.find_blocking_run(queued=True) is None, "its trainer is gone"
