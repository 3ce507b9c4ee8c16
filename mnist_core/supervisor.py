"""Which run trains where: takes runs off the queue, has trainers started for them, and notices when one is gone.

It never trains and never imports torch. The store is what it goes by, so several servers, and trainers started in
a terminal, agree without talking to each other.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from mnist_core import lineage, speed
from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.processes import is_alive
from mnist_core.records import Adjustment, Command, Run, RunStatus
from mnist_core.store import RunStore

WATCH_SECONDS = 0.5
"""How often the queue and the trainers are looked at when nothing has woken the supervisor."""

CLOSE_SECONDS = 3.0
"""How long trainers have to end between two batches when the server closes; the whole shutdown may take 5 s."""

KILL_SECONDS = 0.5

IDLE_SECONDS = 10.0
"""How long nobody may have trained before the speed is measured: the first look at the page is over by then."""

MOST_RUNS = 64

HOST_ENDED = 256
"""Reported in place of an exit code, which goes up to 255, when the host has ended and nobody will learn of it."""

CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}

Exited = Callable[[int, int], None]
"""Called with a run's id and its trainer's exit code (or minus the signal that ended it)."""


def max_runs_allowed(text: str) -> int:
    """How many runs may train at once, from `MNIST_MAX_RUNS`; 1 if it is empty. Raises `ConfigError`."""
    if not text:
        return 1
    if not text.isdecimal() or not 1 <= int(text) <= MOST_RUNS:
        raise ConfigError(
            "MNIST_MAX_RUNS", f"MNIST_MAX_RUNS must be a whole number from 1 to {MOST_RUNS}, got {text!r}."
        )
    return int(text)


def recover(store: RunStore, spare: frozenset[int] = frozenset()) -> list[Run]:
    """Mark runs whose trainer is gone as interrupted, apart from the ids in `spare`; returns those marked."""
    return [
        run
        for run in store.list_active_runs()
        if run.id not in spare
        and run.trainer
        and not is_alive(run.trainer)
        and store.interrupt_run(run, f"Its trainer process (pid {run.trainer.pid}) is gone.")
    ]


class TrainerHost:
    """The process that forks trainers (see `trainer_host`), restarted when it is needed and has died."""

    def __init__(self, exited: Exited) -> None:
        self._exited = exited
        self._process: subprocess.Popen[str] | None = None
        self._pids: dict[int, int | None] = {}
        self._ready = False
        self._changed = threading.Condition()

    @property
    def run_ids(self) -> frozenset[int]:
        """Runs for which a trainer was asked for and has not ended."""
        with self._changed:
            return frozenset(self._pids)

    def start(self) -> None:
        """Have it import torch now, so that the first run does not wait for that."""
        if self._process and self._process.poll() is None:
            return
        self._ready = False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mnist_core.trainer_host"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # neither Ctrl-C nor a closed terminal reaches it
            cwd=Path(__file__).resolve().parent.parent,
            env=_environment_of_host(os.environ),
        )
        threading.Thread(target=self._listen, args=(self._process,), name="trainer-host", daemon=True).start()

    def launch(self, run_id: int, max_active: int) -> None:
        """Have a trainer forked that will claim the run."""
        self.start()
        assert self._process
        assert self._process.stdin
        with self._changed:
            self._pids[run_id] = None
        with contextlib.suppress(BrokenPipeError):  # it has just died: `_listen` reports the run as exited
            self._process.stdin.write(f"{run_id} {max_active}\n")
            self._process.stdin.flush()

    def kill(self, run_id: int) -> None:
        """End one trainer, wherever it is, if it is there."""
        with self._changed:
            if pid := self._pids.get(run_id):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def end_trainers(self, number: signal.Signals, timeout: float) -> None:
        """Send a signal to every trainer and wait until all have ended, at most `timeout` seconds."""
        with self._changed:
            if self._process and not self._ready:
                self._process.kill()  # still importing: it has forked nobody, and must not begin to
            self._changed.wait_for(lambda: all(self._pids.values()), KILL_SECONDS)
            for pid in filter(None, self._pids.values()):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)  # still our host's child, so the pid cannot be anybody else's
            self._changed.wait_for(lambda: not any(self._pids.values()), timeout)

    def close(self) -> None:
        if self._process and self._process.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
            self._process.wait()

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            word, *numbers = line.split()
            if word == "ready":
                with self._changed:
                    self._ready = True
            elif word == "started":
                run_id, pid = map(int, numbers)
                with self._changed:
                    self._pids[run_id] = pid
                    self._changed.notify_all()
            elif word == "exited":
                self._report(*map(int, numbers))
        for run_id in self.run_ids:  # the host has ended; trainers it had forked live on
            self._report(run_id, HOST_ENDED)

    def _report(self, run_id: int, code: int) -> None:
        self._exited(run_id, code)
        with self._changed:
            self._pids.pop(run_id, None)
            self._changed.notify_all()


class Supervisor:
    """Keeps at most `max_runs` runs going, oldest in the queue first. One per server: `start()` it, `close()` it."""

    def __init__(self, store: RunStore, *, max_runs: int = 1) -> None:
        self._store = store
        self._max_runs = max_runs
        self._host = TrainerHost(self._on_exit)
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._busy_at = time.monotonic()
        self._speed_unknown = not speed.is_measured()

    def start(self) -> None:
        self._host.start()
        self._thread.start()

    def submit(self, config: TrainConfig, name: str = "") -> Run:
        """Put a run in the queue; it starts at once if there is room. Raises `ConfigError` for an unusable name."""
        run = self._store.create_run(config, name)
        self._wake.set()
        return run

    def request_stop(self, run_id: int) -> RunStatus:
        """Take a run off the queue or have its trainer end after the batch in hand; returns its status now."""
        return self._store.request_stop(run_id)

    def order(self, run_id: int, command: Command, adjustment: Adjustment | None = None, *, by: str) -> None:
        """Ask something of a run in progress. Raises `RunStateError` when nobody trains it, else `ConfigError`."""
        self._store.send_order(run_id, command, adjustment, by=by)

    def resume(self, run_id: int) -> None:
        """Have an interrupted run go on from its last checkpoint. Raises `RunStateError` for any other."""
        self._store.queue_again(run_id)
        self._wake.set()

    def fork(self, parent: Run, config: TrainConfig, step: int | None = None) -> Run:
        """Queue a run that goes on from a checkpoint of another; see `lineage.fork`."""
        run = lineage.fork(self._store, parent, config, step=step)
        self._wake.set()
        return run

    def repeat(self, original: Run) -> Run:
        """Queue the same run again, as it was steered; see `lineage.repeat`."""
        run = lineage.repeat(self._store, original)
        self._wake.set()
        return run

    def close(self) -> None:
        """End the trainers this supervisor started, each between two batches; their runs become `interrupted`."""
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
                recover(self._store, spare=self._host.run_ids)
                self._calibrate_when_idle()
                self._launch_next()
                told = ""
            except Exception as error:
                # Whatever it was, such as a locked database, the queue must be looked after again in a moment.
                if str(error) != told:
                    logging.getLogger(__name__).exception("The queue could not be looked after; trying again.")
                told = str(error)
            self._wake.wait(WATCH_SECONDS)
            self._wake.clear()

    def _calibrate_when_idle(self) -> None:
        """Have the speed of this machine measured once, when nobody trains; a run that comes along goes first."""
        if not self._speed_unknown:
            return
        if self._store.list_unfinished_runs():
            self._busy_at = time.monotonic()
            self._host.kill(speed.CALIBRATION)
        elif time.monotonic() - self._busy_at > IDLE_SECONDS and speed.CALIBRATION not in self._host.run_ids:
            self._host.launch(speed.CALIBRATION, self._max_runs)

    def _launch_next(self) -> None:
        launched = self._host.run_ids
        queued = [run.id for run in self._store.list_queued_runs()]
        waiting = [run_id for run_id in queued if run_id not in launched]
        starting = len(queued) - len(waiting)
        room = self._max_runs - len(self._store.list_active_runs()) - starting
        for run_id in waiting[: max(room, 0)]:
            self._host.launch(run_id, self._max_runs)

    def _on_exit(self, run_id: int, code: int) -> None:
        """A trainer has ended, or never began; if it left its run going, say what became of it."""
        if run_id == speed.CALIBRATION:
            self._speed_unknown = code == -signal.SIGKILL
            return
        run = self._store.get_run(run_id)
        if run.status is RunStatus.QUEUED and code != 0 and not self._closing.is_set():
            self._store.refuse_run(run_id, "No trainer process could be started; the terminal says why.")
        elif run.status.is_active and run.trainer and not is_alive(run.trainer):
            status, reason = _verdict(code)
            self._store.interrupt_run(run, reason, status)
        self._wake.set()


def _verdict(code: int) -> tuple[RunStatus, str]:
    """What an exit code (or minus a signal) means for a run that was still going."""
    if code == HOST_ENDED:
        return RunStatus.INTERRUPTED, "Its trainer process is gone."
    if code >= 0:
        return RunStatus.FAILED, f"Its trainer process ended without a word (exit code {code})."
    name = signal.Signals(-code).name
    if -code in CRASHES:
        return RunStatus.FAILED, f"Its trainer process crashed ({name})."
    return RunStatus.INTERRUPTED, f"Its trainer process was killed ({name})."


def _environment_of_host(environment: Mapping[str, str]) -> dict[str, str]:
    """With folders given relative to where the server was started resolved, since the host starts elsewhere."""
    places = {name: environment[name] for name in ("MNIST_DATA_DIR", "MNIST_RUNS_DIR") if environment.get(name)}
    return {**environment, **{name: str(Path(place).expanduser().resolve()) for name, place in places.items()}}
