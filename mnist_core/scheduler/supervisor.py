"""Which run trains where: takes runs off the queue, has trainers started for them, and notices when one is gone.

It never trains and never imports torch. The store is what it goes by, so several servers, and trainers started in
a terminal, agree without talking to each other.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import Counter

from mnist_core.errors import ConfigError
from mnist_core.records import Run, RunStatus
from mnist_core.scheduler.fork_client import FORK_SERVER_LOST, ForkServerClient, is_orphan
from mnist_core.scheduler.stall_detector import StallDetector
from mnist_core.store import RunStore
from mnist_core.system.processes import count_oom_kills, cpu_seconds, is_alive
from mnist_core.trainer import speed

POLL_SECONDS = 0.5
"""How often the queue and the trainers are looked at when nothing has woken the supervisor."""

CLOSE_SECONDS = 3.0
"""How long trainers have to end between two batches when the server closes; the whole shutdown may take 5 s."""

KILL_SECONDS = 0.5
"""How long they have to be gone once they were killed."""

LEASE_SECONDS = 30.0
"""How long a live trainer may do nothing and say nothing before its run is given up for somebody else to resume."""

MAX_LAUNCHES = 3
"""How many trainers may be killed one after another before they have claimed their run."""

IDLE_SECONDS = 10.0
"""How long nobody may have trained before the speed is measured: the first look at the page is over by then."""

MAX_RUNS_LIMIT = 64

CRASH_SIGNALS = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}


def parse_max_runs(text: str) -> int:
    """How many runs may train at once, from `MNIST_MAX_RUNS`; 1 if it is empty. Raises `ConfigError`."""
    if not text:
        return 1
    if not text.isdecimal() or not 1 <= int(text) <= MAX_RUNS_LIMIT:
        raise ConfigError(
            "MNIST_MAX_RUNS", f"MNIST_MAX_RUNS must be a whole number from 1 to {MAX_RUNS_LIMIT}, got {text!r}."
        )
    return int(text)


def interrupt_lost_runs(store: RunStore, spare: frozenset[int] = frozenset()) -> list[Run]:
    """Mark runs whose trainer is gone as interrupted, apart from the ids in `spare`; returns those marked."""
    return [
        run
        for run in store.queries.list_active_runs()
        if run.id not in spare
        and run.trainer
        and not is_alive(run.trainer)
        and store.commands.interrupt_run(run, f"Its trainer process (pid {run.trainer.pid}) is gone.")
    ]


class Supervisor:
    """Keeps at most `max_runs` runs going, oldest in the queue first. One per server: `start()` it, `close()` it."""

    def __init__(self, store: RunStore, *, max_runs: int = 1, lease_seconds: float = LEASE_SECONDS) -> None:
        self._store = store
        self._wake = threading.Event()
        self._max_runs = max_runs
        self._lease_seconds = lease_seconds
        self._stall_detector = StallDetector(lease_seconds)
        self._launched_attempt: dict[int, int] = {}
        self._oom_kills_at_launch: dict[int, int] = {}
        self._killed: Counter[tuple[int, int]] = Counter()
        """Trainers killed before they had claimed their run, by run and attempt."""
        self._host = ForkServerClient(self._on_exit)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._busy_at = time.monotonic()
        self._speed_unknown = not speed.is_calibrated()

    def start(self) -> None:
        """Start the fork server and the thread that watches the queue."""
        self._host.start()
        self._thread.start()

    def wake(self) -> None:
        """Look at the queue now; may be called from any thread."""
        self._wake.set()

    def close(self) -> None:
        """End its trainers, and those of servers that were killed, each between two batches: `interrupted`."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        self._host.end_trainers(signal.SIGTERM, CLOSE_SECONDS)
        self._host.end_trainers(signal.SIGKILL, KILL_SECONDS)
        self._host.close()

    def _watch(self) -> None:
        told = ""
        while not self._closing.is_set():
            try:
                self._host.report_lost_trainers()
                self._adopt_orphans()
                interrupt_lost_runs(self._store, spare=self._host.run_ids)
                self._interrupt_stalled_runs()
                self._calibrate_when_idle()
                self._launch_next()
                told = ""
            except Exception as error:
                # Whatever it was, such as a locked database, the queue must be looked after again in a moment.
                if str(error) != told:
                    logging.getLogger(__name__).exception("The queue could not be looked after; trying again.")
                told = str(error)
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _adopt_orphans(self) -> None:
        """Look after trainers whose server was killed as after our own: they are to end when this server is ended."""
        for run in self._store.queries.list_active_runs():
            if run.id not in self._host.run_ids and run.trainer and is_orphan(run.trainer):
                self._host.adopt(run.id, run.trainer)

    def _interrupt_stalled_runs(self) -> None:
        """Mark runs whose trainer lives but gives no sign of life, such as one that was stopped, as interrupted.

        A run that is written to is one sign, and work that shows nothing yet, such as a long evaluation, the other.
        """
        held = {run.id: run for run in self._store.queries.list_active_runs() if run.trainer and is_alive(run.trainer)}
        beats = self._store.queries.list_heartbeats()
        signs = {
            run.id: (run.trainer, beats.get(run.id), cpu_seconds(run.trainer)) for run in held.values() if run.trainer
        }
        for run_id in self._stall_detector.observe(signs):
            run = held[run_id]
            pid = run.trainer.pid if run.trainer else 0
            reason = f"Its trainer process (pid {pid}) has not been heard of for {self._lease_seconds:g} s."
            if self._store.commands.interrupt_run(run, reason):
                self._host.abandon(run_id)

    def _calibrate_when_idle(self) -> None:
        """Have the speed of this machine measured once, when nobody trains; a run that comes along goes first."""
        if not self._speed_unknown:
            return
        if self._store.queries.list_unfinished_runs():
            self._busy_at = time.monotonic()
            self._host.kill(speed.CALIBRATION_RUN_ID)
        elif time.monotonic() - self._busy_at > IDLE_SECONDS and speed.CALIBRATION_RUN_ID not in self._host.run_ids:
            self._host.launch(speed.CALIBRATION_RUN_ID, self._max_runs)

    def _launch_next(self) -> None:
        launched = self._host.run_ids
        queued = self._store.queries.list_queued_runs()
        waiting = [run for run in queued if run.id not in launched]
        starting = len(queued) - len(waiting)
        room = self._max_runs - len(self._store.queries.list_active_runs()) - starting
        for run in waiting[: max(room, 0)]:
            self._launched_attempt[run.id] = run.attempt
            self._oom_kills_at_launch[run.id] = count_oom_kills()
            self._host.launch(run.id, self._max_runs)

    def _on_exit(self, run_id: int, code: int) -> None:
        """A trainer has ended, or never began; if it left its run going, say what became of it."""
        if run_id == speed.CALIBRATION_RUN_ID:
            # Killed for a run, it is tried again; killed by somebody else, as when memory is short, it is not.
            self._speed_unknown = code == -signal.SIGKILL and bool(self._store.queries.list_unfinished_runs())
            return
        run, kills = self._store.queries.get_run(run_id), count_oom_kills()
        memory_ran_out = kills > self._oom_kills_at_launch.pop(run_id, kills)
        if run.status is RunStatus.QUEUED:
            self._on_exit_unclaimed(run, code, memory_ran_out)
        elif run.status.is_active and run.trainer and not is_alive(run.trainer):
            status, reason = _status_for_exit(code, memory_ran_out)
            self._store.commands.interrupt_run(run, reason, status)
        self._wake.set()

    def _on_exit_unclaimed(self, run: Run, code: int, memory_ran_out: bool) -> None:
        """A trainer has ended and its run waits: it never claimed the run, or somebody has resumed the run by now."""
        attempt = (run.id, run.attempt)
        if code == 0 or self._closing.is_set() or attempt not in self._launched_attempt.items():
            return
        reason = "No trainer process could be started; the terminal says why."
        self._killed[attempt] += 1
        if 0 < code < FORK_SERVER_LOST or -code in CRASH_SIGNALS:
            self._store.commands.end_queued_run(run.id, reason)
        elif self._killed[attempt] >= MAX_LAUNCHES:
            # That trainers are killed, as when memory is short, says nothing about the run: it can be resumed.
            del self._killed[attempt]
            if memory_ran_out:
                reason = "Out of memory: the system killed its trainer before it began. Free some memory and resume it."
            self._store.commands.end_queued_run(run.id, reason, RunStatus.INTERRUPTED)


def _status_for_exit(code: int, memory_ran_out: bool) -> tuple[RunStatus, str]:
    """What an exit code (or minus a signal) means for a run that was still going."""
    if code in (-signal.SIGKILL, FORK_SERVER_LOST) and memory_ran_out:
        return RunStatus.FAILED, "Out of memory: the system killed it. Choose a smaller batch size or test batch size."
    if code == FORK_SERVER_LOST:
        return RunStatus.INTERRUPTED, "Its trainer process is gone."
    if code >= 0:
        return RunStatus.FAILED, f"Its trainer process ended without a word (exit code {code})."
    name = signal.Signals(-code).name
    if -code in CRASH_SIGNALS:
        return RunStatus.FAILED, f"Its trainer process crashed ({name})."
    return RunStatus.INTERRUPTED, f"Its trainer process was killed ({name})."
