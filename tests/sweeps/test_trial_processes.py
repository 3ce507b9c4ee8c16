"""Sweeps with real processes, some of which are killed: each trial counts once, and the sweep ends."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mnist_core.formatting import format_percent
from mnist_core.records import RunStatus, Sweep, SweepStatus, Trial, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.controller import Controller
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.processes import SWEEP_INTERRUPTED, TrialProcesses
from mnist_core.sweeps.verdict import conclude
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import own_identity
from tests.support.processes import Eventually

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("small_mnist")]

FIXED = {"dataset": "mnist", "model": "softmax", "batch_size": 30, "epochs": 2, "device": "cpu"}


def spec(trials: int, epochs: int = 2) -> SweepSpec:
    lr = Range("lr", 0.01, 0.5, log=True)
    return SweepSpec(parameters=(lr,), trials=trials, workers=2, fixed={**FIXED, "epochs": epochs})


def kill_run(store: RunStore, sweep_id: int) -> None:
    """Kill the process of a run that trains."""
    run = next(run for run in store.sweeps.list_runs(sweep_id) if run.status is RunStatus.RUNNING)
    assert run.trainer
    os.kill(run.trainer.pid, signal.SIGKILL)


def is_training(store: RunStore, sweep_id: int) -> bool:
    return any(run.status is RunStatus.RUNNING for run in store.sweeps.list_runs(sweep_id))


@pytest.fixture
def sweep(store: RunStore) -> Sweep:
    return control.create(store, spec(3))


def test_trials_train_with_one_thread_and_are_not_tested(store: RunStore, sweep: Sweep) -> None:
    events = list(control.resume(store, sweep))
    assert isinstance(events[-1], Sweep)
    assert events[-1].status is SweepStatus.COMPLETED
    trials, runs = store.sweeps.list_trials(sweep.id)[:3], store.sweeps.list_runs(sweep.id, [1, 2, 3])
    assert [trial.status for trial in trials] == [TrialStatus.COMPLETED] * 3
    assert {(run.status, run.threads, run.attempt) for run in runs} == {(RunStatus.COMPLETED, 1, 1)}
    best = {run.trial: run.results.best_validation_accuracy for run in runs}
    assert {trial.number: trial.value for trial in trials} == best
    assert {run.results.test_accuracy for run in runs} == {None}
    verdict = conclude(store, sweep)
    assert verdict
    (baseline,) = verdict.rivals
    assert baseline.comparison
    assert len(verdict.runs) == len(baseline.runs) == 3
    assert verdict.sentence.startswith(
        f"{format_percent(verdict.summary.mean if verdict.summary else 0)} of test digits"
    )
    assert verdict.winner.value == max(trial.value or 0 for trial in trials)


def test_a_killed_trial_server_costs_no_trial(store: RunStore) -> None:
    sweep = store.sweeps.claim_sweep(control.create(store, spec(4, epochs=6)).id, own_identity())
    processes = TrialProcesses("mnist")
    events = Controller(store, sweep, processes).events()
    assert isinstance(next(events), Trial)
    killed = 0
    for event in events:
        if isinstance(event, Trial) and event.status is TrialStatus.RUNNING and event.number == 3:
            assert processes._server
            os.kill(processes._server.pid, signal.SIGKILL)
            killed += 1
    assert killed == 1
    assert [trial.status for trial in store.sweeps.list_trials(sweep.id)] == [TrialStatus.COMPLETED] * 6
    assert len(store.sweeps.list_runs(sweep.id)) == 4 + 2 * 3


@pytest.fixture
def terminal(store: RunStore) -> Iterator[subprocess.Popen[str]]:
    """`sweep` in a terminal, with trials that take a while."""
    command = [sys.executable, "-m", "mnist_core", "sweep", "--lr", "0.01:0.5:log", "--trials", "3", "--json"]
    command += ["--dataset", "mnist", "--model", "softmax", "--batch-size", "1", "--epochs", "12", "--workers", "2"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_interrupts_the_runs_and_resume_goes_on(
    store: RunStore, terminal: subprocess.Popen[str], eventually: Eventually
) -> None:
    eventually(lambda: bool(store.sweeps.list_sweeps()) and is_training(store, 1))
    terminal.send_signal(signal.SIGINT)
    _, errors = terminal.communicate(timeout=30)
    assert "sweeps sweep-1 --resume" in errors
    assert store.sweeps.get_sweep(1).status is SweepStatus.INTERRUPTED
    assert {run.reason for run in store.sweeps.list_runs(1)} == {SWEEP_INTERRUPTED}
    command = [sys.executable, "-m", "mnist_core", "sweeps", "1", "--resume", "--json"]
    output = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, timeout=120).stdout
    assert json.loads(output.splitlines()[-1])["status"] == "completed"
    assert {(trial.status, trial.kills) for trial in store.sweeps.list_trials(1)} == {(TrialStatus.COMPLETED, 0)}
    assert len(store.sweeps.list_runs(1, [1, 2, 3])) == 3


def test_a_killed_controller_and_a_killed_run_cost_no_trial(
    store: RunStore, terminal: subprocess.Popen[str], eventually: Eventually
) -> None:
    eventually(lambda: bool(store.sweeps.list_sweeps()) and is_training(store, 1))
    terminal.kill()
    kill_run(store, 1)
    terminal.communicate()
    assert control.shown_status(store.sweeps.get_sweep(1)) is SweepStatus.INTERRUPTED
    list(control.resume(store, store.sweeps.get_sweep(1)))
    trials = store.sweeps.list_trials(1)
    assert [trial.status for trial in trials] == [TrialStatus.COMPLETED] * 5
    assert sum(trial.kills for trial in trials) == 1
    assert sorted(run.attempt for run in store.sweeps.list_runs(1, [1, 2, 3])) == [1, 1, 2]
