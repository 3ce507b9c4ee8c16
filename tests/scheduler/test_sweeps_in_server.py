"""A real supervisor carries out sweeps: controllers are killed, servers close and start again, and runs go first."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Run, RunStatus, Sweep, SweepStatus, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.processes import SWEEP_INTERRUPTED
from tests.scheduler.scripted_fork_server import ActingSupervisor
from tests.support.processes import Eventually, isolated_folders, processes_of

pytestmark = pytest.mark.fault

FIXED: dict[str, Any] = {"dataset": "mnist", "model": "softmax", "batch_size": 30, "device": "cpu"}
LONG = {"epochs": 50, "batch_size": 1}
"""Settings of runs that train until they are ended."""


@pytest.fixture
def places(digits: Dataset, tmp_path: Path) -> Iterator[Path]:
    with isolated_folders(tmp_path, digits) as folder:
        yield folder


@pytest.fixture
def store(places: Path) -> Iterator[RunStore]:
    opened = RunStore.open(places / "runs")
    yield opened
    opened.close()


@pytest.fixture
def supervisor(store: RunStore) -> Iterator[ActingSupervisor]:
    started = ActingSupervisor(store)
    started.start()
    yield started
    started.close()


def add_sweep(store: RunStore, trials: int = 3, **fixed: int) -> Sweep:
    lr = Range("lr", 0.01, 0.5, log=True)
    spec = SweepSpec(parameters=(lr,), trials=trials, workers=2, fixed={**FIXED, **fixed})
    return control.create(store, spec, in_server=True)


def training(store: RunStore, sweep: Sweep) -> list[Run]:
    return [run for run in store.sweeps.list_runs(sweep.id) if run.status is RunStatus.RUNNING]


def status(store: RunStore, sweep: Sweep) -> SweepStatus:
    return store.sweeps.get_sweep(sweep.id).status


def check_all_completed(store: RunStore, sweep: Sweep, trials: int) -> None:
    """Check that every trial, winner and baseline among them, has completed with as many runs as seeds."""
    assert status(store, sweep) is SweepStatus.COMPLETED
    assert [trial.status for trial in store.sweeps.list_trials(sweep.id)] == [TrialStatus.COMPLETED] * (trials + 2)
    assert len(store.sweeps.list_runs(sweep.id)) == trials + 2 * 3


def test_a_killed_controller_is_replaced_while_its_trials_train_on(
    store: RunStore, supervisor: ActingSupervisor, eventually: Eventually
) -> None:
    sweep = add_sweep(store, epochs=20)
    supervisor.wake()
    eventually(lambda: training(store, sweep))
    controller = store.sweeps.get_sweep(sweep.id).controller
    assert controller
    os.kill(controller.pid, signal.SIGKILL)
    eventually(lambda: store.sweeps.get_sweep(sweep.id).attempt == 2)
    eventually(lambda: status(store, sweep).is_finished)
    check_all_completed(store, sweep, 3)
    assert {trial.kills for trial in store.sweeps.list_trials(sweep.id)} == {0}


def test_a_closed_server_interrupts_a_sweep_and_the_next_goes_on(
    places: Path, store: RunStore, eventually: Eventually
) -> None:
    first = ActingSupervisor(store)
    first.start()
    sweep = add_sweep(store, **LONG)
    eventually(lambda: training(store, sweep))
    first.close()
    assert processes_of(places / "runs") == []
    assert status(store, sweep) is SweepStatus.INTERRUPTED
    assert {run.reason for run in store.sweeps.list_runs(sweep.id)} == {SWEEP_INTERRUPTED}
    second = ActingSupervisor(store)
    second.start()
    eventually(lambda: training(store, sweep))
    assert control.stop(store, store.sweeps.get_sweep(sweep.id)).status is SweepStatus.STOPPING
    eventually(lambda: status(store, sweep) is SweepStatus.STOPPED)
    second.close()
    assert {trial.status for trial in store.sweeps.list_trials(sweep.id)} == {TrialStatus.STOPPED}
    assert {trial.kills for trial in store.sweeps.list_trials(sweep.id)} == {0}


def test_a_closed_server_ends_trials_whose_controller_was_killed(
    places: Path, store: RunStore, eventually: Eventually
) -> None:
    supervisor = ActingSupervisor(store)
    supervisor.start()
    sweep = add_sweep(store, **LONG)
    eventually(lambda: training(store, sweep))
    controller = store.sweeps.get_sweep(sweep.id).controller
    assert controller
    control.pause(store, sweep)  # so that no other controller is launched
    os.kill(controller.pid, signal.SIGKILL)
    eventually(lambda: set(supervisor._fork_server.run_ids) >= {run.id for run in store.sweeps.list_runs(sweep.id)})
    supervisor.close()
    assert processes_of(places / "runs") == []
    assert status(store, sweep) is SweepStatus.PAUSED


def test_a_run_goes_before_trials(store: RunStore, supervisor: ActingSupervisor, eventually: Eventually) -> None:
    sweep = add_sweep(store, trials=40, epochs=1)
    supervisor.wake()
    eventually(lambda: training(store, sweep))
    run = supervisor.actions.submit(TrainConfig(**{**FIXED, **LONG}), "mine")
    eventually(lambda: store.queries.get_run(run.id).status is RunStatus.RUNNING)
    waiting = "Waits until mine has ended: runs go before trials."
    eventually(lambda: control.waits_for(store, store.sweeps.get_sweep(sweep.id)) == waiting)
    eventually(lambda: not training(store, sweep))
    trials = store.sweeps.list_trials(sweep.id)
    assert len(trials) < 40
    assert {trial.status for trial in trials} <= {TrialStatus.COMPLETED, TrialStatus.RUNNING}
    supervisor.actions.request_stop(run.id)
    eventually(lambda: len(store.sweeps.list_trials(sweep.id)) > len(trials))
    eventually(lambda: control.waits_for(store, store.sweeps.get_sweep(sweep.id)) == "")
    control.stop(store, sweep)
    eventually(lambda: status(store, sweep) is SweepStatus.STOPPED)
