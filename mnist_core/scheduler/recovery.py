"""Finds runs whose trainer is gone or has stalled, marks them as interrupted, and explains why a trainer ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Hashable, Mapping

from mnist_core.records import Run, RunStatus
from mnist_core.scheduler.fork_client import EXIT_CODE_UNKNOWN
from mnist_core.store import RunStore
from mnist_core.system.processes import cpu_seconds, is_alive

CRASH_SIGNALS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}


class StallDetector:
    """Finds processes that still exist but have stopped working, such as one that somebody suspended.

    A process stalls when it shows no new sign of life for `seconds` on the observer's own clock. At most
    `longest_gap` seconds of the time between two observations count: an observer that was suspended together with the
    processes must not blame them for that time.
    """

    def __init__(self, seconds: float, longest_gap: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self._longest_gap = longest_gap
        self._clock = clock
        self._observed_at = clock()
        self._latest: dict[int, tuple[Hashable, float]] = {}
        """Latest sign of life of each id, and the seconds since it changed."""

    def observe(self, signs: Mapping[int, Hashable]) -> set[int]:
        """Record the latest sign of life of each id. Returns the ids that have stalled."""
        now = self._clock()
        passed = min(now - self._observed_at, self._longest_gap)
        self._observed_at = now
        previous, self._latest = self._latest, {}
        for run_id, sign in signs.items():
            previous_sign, silent_seconds = previous.get(run_id, (None, 0.0))
            self._latest[run_id] = sign, silent_seconds + passed if sign == previous_sign else 0.0
        return {run_id for run_id, (_sign, silent_seconds) in self._latest.items() if silent_seconds >= self.seconds}


def interrupt_lost_runs(store: RunStore, spare: frozenset[int] = frozenset()) -> list[Run]:
    """Mark runs whose trainer is gone as interrupted, except the ids in `spare`. Returns the runs it marked."""
    return [
        run
        for run in store.queries.list_active_runs()
        if run.id not in spare
        and run.trainer
        and not is_alive(run.trainer)
        and store.commands.interrupt_run(run, f"Its trainer process (pid {run.trainer.pid}) is gone.")
    ]


def interrupt_stalled_runs(store: RunStore, detector: StallDetector) -> list[Run]:
    """Mark runs whose trainer lives but has stalled as interrupted. Returns the runs it marked.

    Signs of life are heartbeats, which come with every write, and processor time: a long evaluation writes nothing.
    """
    active = [(run, run.trainer) for run in store.queries.list_active_runs() if run.trainer and is_alive(run.trainer)]
    heartbeats = store.queries.list_heartbeats()
    stalled_ids = detector.observe(
        {run.id: (trainer, heartbeats.get(run.id), cpu_seconds(trainer)) for run, trainer in active}
    )
    silence = f"has not been heard of for {detector.seconds:g} s"
    return [
        run
        for run, trainer in active
        if run.id in stalled_ids
        and store.commands.interrupt_run(run, f"Its trainer process (pid {trainer.pid}) {silence}.")
    ]


def status_after_exit(code: int, *, out_of_memory: bool) -> tuple[RunStatus, str]:
    """Return status and reason of a run that its trainer left unfinished.

    `code` is the trainer's exit code, minus the signal that ended it, or `EXIT_CODE_UNKNOWN`. `out_of_memory` says
    whether the system has killed processes for lack of memory since the trainer was launched.
    """
    if code in (-signal.SIGKILL, EXIT_CODE_UNKNOWN) and out_of_memory:
        return RunStatus.FAILED, "Out of memory: the system killed it. Choose a smaller batch size or test batch size."
    if code == EXIT_CODE_UNKNOWN:
        return RunStatus.INTERRUPTED, "Its trainer process is gone."
    if code >= 0:
        return RunStatus.FAILED, f"Its trainer process ended without a word (exit code {code})."
    name = signal.Signals(-code).name
    if -code in CRASH_SIGNALS:
        return RunStatus.FAILED, f"Its trainer process crashed ({name})."
    return RunStatus.INTERRUPTED, f"Its trainer process was killed ({name})."
