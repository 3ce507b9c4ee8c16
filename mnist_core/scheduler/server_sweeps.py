"""The sweeps that the server carries out: one at a time, each by a controller in a process of its own."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from mnist_core.errors import DamagedSweepError, SweepStateError
from mnist_core.records import Sweep, SweepStatus, TrialStatus
from mnist_core.scheduler.fork_client import EXIT_CODE_UNKNOWN, ForkServerClient, is_orphan
from mnist_core.scheduler.recovery import StallDetector, skip_while_locked
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.system.processes import cpu_seconds

MAX_LOSSES = 3
"""Controllers that may end one after the other while nothing has happened in the sweep; then it fails."""


@dataclass
class _Losses:
    """How many controllers of a sweep have ended since it last got on."""

    progress: Hashable
    count: int = 0
    code: int = 0
    """Exit code of the latest."""


class ServerSweeps:
    """Has the fork server fork a controller. The supervisor calls `tend` in its thread, again and again."""

    def __init__(self, store: RunStore, fork_server: ForkServerClient, stall_seconds: float) -> None:
        self._store = store
        self._stalls = StallDetector(stall_seconds)
        self._fork_server = fork_server
        self._losses: dict[int, _Losses] = {}

    def tend(self) -> None:
        """Start the controller of the oldest sweep that waits for one, and end sweeps that were stopped without one."""
        unfinished = [sweep for sweep in self._store.sweeps.list_unfinished() if sweep.in_server]
        for sweep in unfinished:
            self._adopt_orphan(sweep)
        self._kill_stalled(unfinished)
        if any(control.is_under_way(sweep) for sweep in unfinished):
            return
        idle = [sweep for sweep in unfinished if not self._has_process(sweep)]
        for sweep in idle:
            if sweep.status is SweepStatus.STOPPING:
                control.end_without_controller(self._store, sweep, SweepStatus.STOPPED)
        for sweep in idle:
            if (losses := self._losses.get(sweep.id)) and losses.count >= MAX_LOSSES:
                self._fail(sweep, losses.code)
                return
        waiting = [sweep for sweep in idle if sweep.status in (SweepStatus.RUNNING, SweepStatus.INTERRUPTED)]
        is_starting = any(
            control.controller_id(sweep.id) in self._fork_server.run_ids
            for sweep in unfinished
            if sweep.status is not SweepStatus.PAUSED
        )
        if waiting and not is_starting:
            self._fork_server.launch(control.controller_id(waiting[0].id), "")

    def _kill_stalled(self, unfinished: Sequence[Sweep]) -> None:
        """Kill controllers that somebody has suspended, or that hang: no search could go on. They are replaced."""
        if skip_while_locked(self._store, self._stalls):
            return
        controllers = {
            sweep.id: sweep.controller for sweep in unfinished if sweep.controller and control.has_controller(sweep)
        }
        signs = {sweep_id: (controller, cpu_seconds(controller)) for sweep_id, controller in controllers.items()}
        for sweep_id in self._stalls.observe(signs):
            self._fork_server.kill(control.controller_id(sweep_id))

    def note_exit(self, process_id: int, code: int) -> None:
        """Note that the controller with this number has ended. One that was lost is replaced, but not for ever."""
        sweep = self._store.sweeps.get_sweep(control.sweep_of_controller(process_id))
        if sweep.status.is_finished or code in (0, -signal.SIGTERM):
            self._losses.pop(sweep.id, None)
            return
        progress = self._progress(sweep)
        losses = self._losses.setdefault(sweep.id, _Losses(progress))
        losses.count = losses.count + 1 if losses.progress == progress else 1
        losses.progress, losses.code = progress, code

    def _has_process(self, sweep: Sweep) -> bool:
        return control.has_controller(sweep) or control.controller_id(sweep.id) in self._fork_server.run_ids

    def _adopt_orphan(self, sweep: Sweep) -> None:
        """Adopt a controller whose server was killed, so that it ends when this server ends."""
        process_id = control.controller_id(sweep.id)
        if sweep.controller and process_id not in self._fork_server.run_ids and is_orphan(sweep.controller):
            self._fork_server.adopt(process_id, sweep.controller)

    def _progress(self, sweep: Sweep) -> Hashable:
        """Return what changes whenever a trial begins, trains or ends; None if a trial is damaged."""
        try:
            trials = self._store.sweeps.list_trials(sweep.id)
        except DamagedSweepError:
            return None
        running = [trial.number for trial in trials if trial.status is TrialStatus.RUNNING]
        steps = sum(run.progress.step for run in self._store.sweeps.list_runs(sweep.id, running))
        return len(trials), len(running), steps

    def _fail(self, sweep: Sweep, code: int) -> None:
        if code == EXIT_CODE_UNKNOWN:
            how = "was lost"
        elif code < 0:
            how = f"was killed ({signal.Signals(-code).name})"
        else:
            how = "failed, as the terminal says,"
        reason = f"Its controller {how} {MAX_LOSSES} times in a row. Extend the sweep to try again."
        with contextlib.suppress(SweepStateError):  # a person has ended it meanwhile
            control.end_without_controller(self._store, sweep, SweepStatus.FAILED, reason)
        del self._losses[sweep.id]  # not before: on a full disk the next look tries again
