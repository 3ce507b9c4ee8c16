"""Trial processes that train nothing: a test says what each run records, and how it ends."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mnist_core.records import EvalMetrics, ProcessIdentity, Progress, Run, RunStatus, Sweep, Trial, TrialRole
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.controller import Controller
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.processes import TrialJob, TrialKey, TrialProcesses
from mnist_core.system.processes import own_identity
from tests.support.factories import NO_CONFUSION

LR = Range("lr", 0.001, 1.0, log=True)

PREDICTED = np.zeros(10, np.uint8)

GONE = ProcessIdentity(1, 1, own_identity().boot_id, own_identity().host, own_identity().pid_namespace)
"""A process of this machine that has ended."""


@dataclass
class Script:
    """What one process does: the accuracies that it records, and how its run ends; None if it never begins."""

    accuracies: Sequence[float] = (0.5, 0.9)
    status: RunStatus | None = RunStatus.COMPLETED
    reason: str = ""
    is_killed: bool = False
    """Whether the process is gone while its run trains."""


@dataclass
class ScriptedProcesses(TrialProcesses):
    """Each launch does what the next script says, at once; later ones what `Script()` says."""

    store: RunStore
    scripts: deque[Script] = field(default_factory=deque)
    jobs: list[TrialJob] = field(default_factory=list)
    """All that was launched."""

    def __post_init__(self) -> None:
        super().__init__("mnist")

    def start(self) -> None:
        """Start nothing."""

    def launch(self, job: TrialJob) -> None:
        self.jobs.append(job)
        self._launched.add(job.key)
        script = self.scripts.popleft() if self.scripts else Script()
        if script.status is None:
            return
        run = self.store.sweeps.begin_run(
            job.sweep_id,
            job.trial,
            attempt=job.attempt,
            config=job.config,
            trainer=GONE if script.is_killed else own_identity(),
            name=job.name,
        )
        if run:
            self._record(run, script)

    def take_ended(self) -> set[TrialKey]:
        """End every process, except those whose run is in progress here and was not asked to stop."""
        for run in self.store.queries.list_active_runs():
            if run.status is RunStatus.STOPPING:
                self.store.trainer_writes.finish_run(run, RunStatus.STOPPED)
        runs = {(run.trial, run.config.seed): run for run in self.store.queries.list_active_runs()}
        ended = {key for key in self._launched if key not in runs or runs[key].trainer == GONE}
        self._launched -= ended
        return ended

    def close(self) -> None:
        """End nothing."""

    def _record(self, run: Run, script: Script) -> None:
        writes = self.store.trainer_writes
        for step, accuracy in enumerate(script.accuracies, 1):
            seconds = float(step)
            measured = EvalMetrics(step, 1, "validation", 1 - accuracy, accuracy, NO_CONFUSION, PREDICTED, seconds)
            writes.append_steps(run, Progress(step=step, elapsed_seconds=seconds), new_evaluations=[measured])
        if script.status and script.status is not RunStatus.RUNNING and not script.is_killed:
            writes.finish_run(run, script.status, script.reason)


def claim(store: RunStore, **values: Any) -> Sweep:
    """Return a sweep over learning rates that this process holds."""
    spec = SweepSpec(parameters=(LR,), **{"trials": 3, "workers": 2, **values})
    return store.sweeps.claim_sweep(control.create(store, spec).id, own_identity())


def carry_out(store: RunStore, sweep: Sweep, *scripts: Script) -> tuple[Sweep, ScriptedProcesses]:
    """Carry out a sweep to its end with these scripts. Returns it, and its processes."""
    processes = ScriptedProcesses(store, deque(scripts))
    for _event in Controller(store, sweep, processes).events():
        pass
    return store.sweeps.get_sweep(sweep.id), processes


def searched(store: RunStore, sweep: Sweep) -> list[Trial]:
    """Return the trials of the search."""
    return [trial for trial in store.sweeps.list_trials(sweep.id) if trial.role is TrialRole.SEARCH]
