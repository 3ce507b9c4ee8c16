"""Decides which run trains when: launches trainers for queued runs, and watches them until they end.

It never trains and never imports torch. All state is in the store, so several servers, and trainers started in a
terminal, need not talk to each other.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections import Counter
from queue import SimpleQueue

from mnist_core.errors import ConfigError
from mnist_core.inference.client import INFERENCE_RUN_ID
from mnist_core.records import Run, RunStatus
from mnist_core.scheduler.fork_client import EXIT_CODE_UNKNOWN, ForkServerClient, is_orphan
from mnist_core.scheduler.range_tests import RangeTests
from mnist_core.scheduler.recovery import (
    CRASH_SIGNALS,
    LEASE_SECONDS,
    StallDetector,
    interrupt_lost_runs,
    interrupt_stalled_runs,
    status_after_exit,
)
from mnist_core.scheduler.server_sweeps import ServerSweeps
from mnist_core.store import RunStore
from mnist_core.sweeps.control import FIRST_CONTROLLER_ID, is_searching
from mnist_core.sweeps.rate_zones import RANGE_TEST_RUN_ID
from mnist_core.system.processes import count_oom_kills, is_gone
from mnist_core.trainer import speed

POLL_SECONDS = 0.5
"""Time between two checks of the queue and the trainers, unless `wake` is called."""

CLOSE_SECONDS = 3.0
"""Time that trainers get to finish their batch and save when the server closes. Its whole shutdown may take 5 s."""

KILL_SECONDS = 0.5
"""Time to wait until killed trainers are gone."""

STALL_SECONDS = 30.0
"""Time without a sign of life after which a trainer that still exists loses its run, which can then be resumed."""

MAX_LAUNCHES = 3
"""Maximum number of launches in which the trainer is killed before it has claimed the run."""

IDLE_SECONDS = 10.0
"""Time without training before the speed is measured, so as not to disturb the first visit to a page."""

MAX_RUNS_LIMIT = 64
"""Maximum number of runs that may train at the same time."""


def parse_max_runs(text: str) -> int:
    """Parse `MNIST_MAX_RUNS`, how many runs may train at the same time; 1 if empty. Raises `ConfigError`."""
    if not text:
        return 1
    if not text.isdecimal() or not 1 <= int(text) <= MAX_RUNS_LIMIT:
        raise ConfigError(
            "MNIST_MAX_RUNS", f"MNIST_MAX_RUNS must be a whole number from 1 to {MAX_RUNS_LIMIT}, got {text!r}."
        )
    return int(text)


class Supervisor:
    """Keeps up to `max_runs` runs training, oldest in the queue first. One per server: `start()` it, `close()` it."""

    def __init__(self, store: RunStore, *, max_runs: int = 1, stall_seconds: float = STALL_SECONDS) -> None:
        self._store = store
        self._wake = threading.Event()
        self._max_runs = max_runs
        self._seen_trainers = StallDetector(stall_seconds)
        self._unseen_trainers = StallDetector(max(stall_seconds, LEASE_SECONDS))
        self._launched_attempt: dict[int, int] = {}
        """The attempt for which a trainer was last launched, by run."""
        self._oom_kills_at_launch: dict[int, int] = {}
        self._unclaimed_kills: Counter[tuple[int, int]] = Counter()
        """Number of trainers killed before they had claimed their run, by run and attempt."""
        self._fork_server = ForkServerClient(self._on_exit)
        self.range_tests = RangeTests(store, self._fork_server, self.wake)
        self._sweeps = ServerSweeps(store, self._fork_server, stall_seconds)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="supervisor", daemon=True)
        self._last_busy_at = time.monotonic()
        self._needs_calibration = not speed.is_calibrated()
        self._inference_requests: SimpleQueue[str] = SimpleQueue()

    def start(self) -> None:
        """Start the fork server and the thread that watches queue and trainers."""
        self._fork_server.start()
        self._thread.start()

    def wake(self) -> None:
        """Check the queue now. Callable from any thread."""
        self._wake.set()

    def launch_inference(self, argument: str) -> None:
        """Have the fork server fork an inference process; see `inference.process.serve`. Callable from any thread.

        The supervisor's thread does it: a fork server that has to be started has the priority of that thread.
        """
        self._inference_requests.put(argument)
        self._wake.set()

    def close(self) -> None:
        """End all trainers between two batches, adopted ones included. Their runs become `interrupted`."""
        self._closing.set()
        self._wake.set()
        self._thread.join()
        self._fork_server.end_trainers(signal.SIGTERM, CLOSE_SECONDS)
        self._fork_server.end_trainers(signal.SIGKILL, KILL_SECONDS)
        self._fork_server.close()

    def _supervise(self) -> None:
        last_error = ""
        while not self._closing.is_set():
            try:
                while not self._inference_requests.empty():
                    self._fork_server.launch(INFERENCE_RUN_ID, self._inference_requests.get())
                self._fork_server.report_lost_trainers()
                self._adopt_orphans()
                interrupt_lost_runs(self._store, spare=self._fork_server.run_ids)
                self._interrupt_stalled_runs()
                self.range_tests.tend()
                self._calibrate_when_idle()
                self._launch_next()
                self._sweeps.tend()
                last_error = ""
            except Exception as error:
                # For example a locked database. Log it once, and try again at the next round.
                if str(error) != last_error:
                    logging.getLogger(__name__).exception("Cannot check the queue and the trainers; trying again.")
                last_error = str(error)
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _adopt_orphans(self) -> None:
        """Adopt trainers whose server was killed, so that they end when this server ends."""
        for run in self._store.queries.list_active_runs():
            if run.id not in self._fork_server.run_ids and run.trainer and is_orphan(run.trainer):
                self._fork_server.adopt(run.id, run.trainer)

    def _interrupt_stalled_runs(self) -> None:
        for run in interrupt_stalled_runs(self._store, self._seen_trainers, self._unseen_trainers):
            self._fork_server.detach(run.id)

    def _calibrate_when_idle(self) -> None:
        """Measure the speed of this machine once, while nothing trains. Runs and range tests have precedence."""
        if not self._needs_calibration:
            return
        if self._is_in_use():
            self._last_busy_at = time.monotonic()
            self._fork_server.kill(speed.CALIBRATION_RUN_ID)
            return
        is_idle = time.monotonic() - self._last_busy_at > IDLE_SECONDS
        if is_idle and speed.CALIBRATION_RUN_ID not in self._fork_server.run_ids:
            self._fork_server.launch(speed.CALIBRATION_RUN_ID, self._max_runs)

    def _is_in_use(self) -> bool:
        """Whether runs train or wait, a sweep searches, or learning rates are tested."""
        has_runs = bool(self._store.queries.list_unfinished_runs())
        return has_runs or self.range_tests.is_active or is_searching(self._store)

    def _launch_next(self) -> None:
        """Launch trainers for the oldest queued runs, up to `max_runs`. Trainers in terminals count, too.

        Trials of sweeps do not: a run starts beside them, and no new trial starts until it has ended.
        One trainer claims all queued lanes of a race.
        """
        launched_ids = self._fork_server.run_ids
        queued = self._store.queries.list_queued_runs()
        starting = {_trainer_of(run) for run in queued if run.id in launched_ids}
        free = self._max_runs - self._store.queries.count_active_trainers() - len(starting)
        for run in queued:
            if free > 0 and _trainer_of(run) not in starting:
                starting.add(_trainer_of(run))
                free -= 1
                self._launched_attempt[run.id] = run.attempt
                self._oom_kills_at_launch[run.id] = count_oom_kills()
                self._fork_server.launch(run.id, self._max_runs)

    def _on_exit(self, run_id: int, code: int) -> None:
        """Handle the exit of a trainer. If it left its run unfinished, record why."""
        if run_id == INFERENCE_RUN_ID:
            return  # its client notices, and has another one started when there is a question
        if run_id < FIRST_CONTROLLER_ID:
            if not self._closing.is_set():
                self._sweeps.note_exit(run_id, code)
            self._wake.set()
            return
        if run_id == speed.CALIBRATION_RUN_ID:
            # Try again only if it was killed for the sake of a run, not if the system killed it for lack of memory.
            self._needs_calibration = code == -signal.SIGKILL and self._is_in_use()
            return
        if run_id == RANGE_TEST_RUN_ID:
            self.range_tests.note_exit(code)
            self._wake.set()
            return
        run, oom_kills = self._store.queries.get_run(run_id), count_oom_kills()
        out_of_memory = oom_kills > self._oom_kills_at_launch.pop(run_id, oom_kills)
        if run.status is RunStatus.QUEUED:
            self._on_exit_before_claim(run, code, out_of_memory)
        for lane in self._store.queries.list_active_runs():
            is_lost = bool(lane.trainer and is_gone(lane.trainer))
            if is_lost and (lane.id == run.id or (lane.race_id and lane.race_id == run.race_id)):
                status, reason = status_after_exit(code, out_of_memory=out_of_memory)
                self._store.commands.interrupt_run(lane, reason, status)
        self._wake.set()

    def _on_exit_before_claim(self, run: Run, code: int, out_of_memory: bool) -> None:
        """Handle the exit of a trainer whose run is queued: retry, or end the run.

        The trainer either never claimed the run, or somebody has resumed the run since.
        """
        attempt = (run.id, run.attempt)
        if code == 0 or self._closing.is_set() or attempt not in self._launched_attempt.items():
            return
        reason = "No trainer process could be started; the terminal says why."
        self._unclaimed_kills[attempt] += 1
        if 0 < code < EXIT_CODE_UNKNOWN or -code in CRASH_SIGNALS:
            self._store.commands.end_queued_run(run.id, reason)
        elif self._unclaimed_kills[attempt] >= MAX_LAUNCHES:
            # The run itself is not to blame, for example when memory is short, so it can be resumed later.
            del self._unclaimed_kills[attempt]
            if out_of_memory:
                reason = "Out of memory: the system killed its trainer before it began. Free some memory and resume it."
            self._store.commands.end_queued_run(run.id, reason, RunStatus.INTERRUPTED)


def _trainer_of(run: Run) -> int:
    """Return a number that queued runs have in common if one trainer claims them: the lanes of a race."""
    return -run.id if run.race_id is None else run.race_id
