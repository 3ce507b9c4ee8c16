"""Finds runs whose trainer is gone or has stalled, marks them as interrupted, and explains why a trainer ended."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Hashable, Mapping

from mnist_core.errors import StoreLockedError
from mnist_core.records import Run, RunStatus
from mnist_core.scheduler.fork_client import EXIT_CODE_UNKNOWN
from mnist_core.store import RunStore
from mnist_core.system.processes import cpu_seconds, is_alive, is_gone

LEASE_SECONDS = 60.0
"""Time without a heartbeat after which a trainer that cannot be seen from here, as in another container, is lost."""

QUIET_SECONDS = 10.0
"""Silence after which the database is checked for locks: twice the time between heartbeats during a pause."""

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

    @property
    def longest_silence(self) -> float:
        """Longest silence of any id, in seconds, at the latest observation."""
        return max((silent_seconds for _sign, silent_seconds in self._latest.values()), default=0.0)

    def skip(self) -> None:
        """Leave the time since the latest observation out of account."""
        self._observed_at = self._clock()


def interrupt_lost_runs(store: RunStore, spare: frozenset[int] = frozenset()) -> list[Run]:
    """Mark runs whose trainer is gone for certain as interrupted, except `spare` and lanes that race with them.

    Returns the runs it marked.

    A trainer that cannot be seen from here is left to `interrupt_stalled_runs`.
    """
    active = store.queries.list_active_runs()
    spared_trainers = {run.trainer for run in active if run.id in spare}
    return [
        run
        for run in active
        if run.id not in spare
        and not (run.race_id and run.trainer in spared_trainers)
        and run.trainer
        and is_gone(run.trainer)
        and store.commands.interrupt_run(run, f"Its trainer process (pid {run.trainer.pid}) is gone.")
    ]


def interrupt_if_lost(store: RunStore, run: Run) -> Run:
    """Mark one run as interrupted if its trainer is gone, or unseen and silent for `LEASE_SECONDS`. Returns the run.

    For a command that acts on this run, and so cannot watch it for a while, as a server does.
    """
    if not run.status.is_active or run.trainer is None or is_alive(run.trainer):
        return run
    silent_seconds = store.queries.list_silent_seconds().get(run.id, 0.0)
    if is_gone(run.trainer):
        store.commands.interrupt_run(run, f"Its trainer process (pid {run.trainer.pid}) is gone.")
    elif silent_seconds > LEASE_SECONDS:
        store.commands.interrupt_run(run, _silence(run, silent_seconds))
    return store.queries.get_run(run.id)


def interrupt_stalled_runs(store: RunStore, seen: StallDetector, unseen: StallDetector) -> list[Run]:
    """Mark runs whose trainer may live but shows no sign of life as interrupted. Returns the runs it marked.

    Signs of life are heartbeats, which come with every write, and processor time: a long evaluation writes nothing.
    `seen` observes the trainers that can be seen from here. The others, such as those in another container, have only
    heartbeats, which `unseen` observes: a clock that jumps must not end their runs. Time in which the database is
    locked does not count: no trainer can show then that it lives.
    """
    if skip_while_locked(store, seen, unseen):
        return []
    active = [(run, run.trainer) for run in store.queries.list_active_runs() if run.trainer]
    heartbeats = store.queries.list_heartbeats()
    silent: dict[int, float] = {}
    for detector, is_seen in ((seen, True), (unseen, False)):
        signs = {
            run.id: (trainer, heartbeats.get(run.id), cpu_seconds(trainer) if is_seen else None)
            for run, trainer in active
            if is_alive(trainer) is is_seen
        }
        silent |= dict.fromkeys(detector.observe(signs), detector.seconds)
    return [
        run
        for run, _trainer in active
        if run.id in silent and store.commands.interrupt_run(run, _silence(run, silent[run.id]))
    ]


def skip_while_locked(store: RunStore, *detectors: StallDetector) -> bool:
    """Whether the database is locked, so that no process can show that it lives. Looks once there is a silence.

    The time since the latest observation then does not count.
    """
    if max(detector.longest_silence for detector in detectors) > QUIET_SECONDS:
        try:
            store.commands.check_writable()
        except StoreLockedError:
            for detector in detectors:
                detector.skip()
            return True
    return False


def _silence(run: Run, seconds: float) -> str:
    assert run.trainer
    return f"Its trainer process (pid {run.trainer.pid}) has not been heard of for {seconds:.0f} s."


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
