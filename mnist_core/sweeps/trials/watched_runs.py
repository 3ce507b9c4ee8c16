"""The runs of a sweep as its controller watches them in the store, whichever process has forked their trainers."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Sequence

from mnist_core.errors import RunStateError
from mnist_core.records import Command, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.trials.processes import SWEEP_INTERRUPTED
from mnist_core.system.processes import is_gone, send_signal

END_SECONDS = 2.0
"""Time that runs get to finish their batch and save when their controller ends, which a server gives 3 s."""

POLL_SECONDS = 0.05


def read_runs(store: RunStore, sweep_id: int, numbers: Sequence[int]) -> list[Run]:
    """Return the runs of these trials; those whose process is gone are marked as interrupted."""
    runs = store.sweeps.list_runs(sweep_id, numbers)
    lost = [run for run in runs if run.status.is_active and run.trainer and is_gone(run.trainer)]
    for run in lost:
        assert run.trainer
        store.commands.interrupt_run(run, f"Its trainer process (pid {run.trainer.pid}) is gone.")
    return store.sweeps.list_runs(sweep_id, numbers) if lost else runs


def interrupt_runs(store: RunStore, sweep_id: int) -> None:
    """End the runs of a sweep between two batches, so that they can be resumed; kill those that take too long."""
    deadline = time.monotonic() + END_SECONDS
    while active := [run for run in store.sweeps.list_runs(sweep_id) if _is_training(run)]:
        for run in active:
            assert run.trainer
            is_late = time.monotonic() >= deadline
            send_signal(run.trainer, signal.SIGKILL if is_late else signal.SIGTERM)
            send_signal(run.trainer, signal.SIGCONT)
            if is_late:
                store.commands.interrupt_run(run, SWEEP_INTERRUPTED)
        time.sleep(POLL_SECONDS)


def _is_training(run: Run) -> bool:
    return run.status.is_active and run.trainer is not None and not is_gone(run.trainer)


class PauseSwitch:
    """Pauses and resumes the runs of a sweep."""

    def __init__(self, store: RunStore, sweep_name: str) -> None:
        self._store = store
        self._sweep_name = sweep_name
        self._told: set[int] = set()
        """Runs that were told to pause."""

    def set(self, runs: Sequence[Run], is_paused: bool) -> None:
        """Pause these runs, or resume them."""
        self._told.clear()
        if is_paused:
            self.pause_others(runs)
            return
        for run in runs:
            self._send(run, Command.RESUME)

    def pause_others(self, runs: Sequence[Run]) -> None:
        """Pause those that were not told to, such as runs whose process began only after the others had paused."""
        for run in runs:
            if run.status is not RunStatus.PAUSED and run.id not in self._told:
                self._send(run, Command.PAUSE)

    def _send(self, run: Run, command: Command) -> None:
        if run.status not in (RunStatus.PREPARING, RunStatus.RUNNING, RunStatus.PAUSED):
            return
        with contextlib.suppress(RunStateError):  # it has just ended
            self._store.commands.send_command(run.id, command, by=self._sweep_name)
        if command is Command.PAUSE:
            self._told.add(run.id)
