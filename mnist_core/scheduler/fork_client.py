"""Starts and ends trainer processes through the fork server (see `fork_server`), which it starts and restarts.

It knows processes, not runs: the supervisor decides what the exit of a trainer means for its run.
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
from dataclasses import dataclass

import psutil

from mnist_core.records import ProcessIdentity
from mnist_core.sweeps.trials.processes import TRIAL_SERVER_MODULE
from mnist_core.system.paths import ROOT, absolute_environment
from mnist_core.system.processes import identify, is_alive, send_signal

CLOSE_SECONDS = 0.5
"""Time limit for the fork server to fork the trainers already requested, and again to exit."""

POLL_SECONDS = 0.02

FORK_SERVER_MODULE = "mnist_core.scheduler.fork_server"

SPIN_COUNT = "20000"
"""How often a trainer's threads check for work before they give up their core: a fifteenth of GNU OpenMP's default.

With the default, a browser that draws the page of a new run on the same cores delays the first batch by half a second.
https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
"""

EXIT_CODE_UNKNOWN = 256
"""Reported for a trainer whose fork server ended before it did. Real exit codes go up to 255."""

_log = logging.getLogger(__name__)

ExitCallback = Callable[[int, int], None]
"""Called with the run id and the exit code of its trainer, or minus the signal that ended it."""


def is_orphan(trainer: ProcessIdentity) -> bool:
    """Whether a fork server or a trial server started this process and has ended since.

    False for a trainer in a terminal, and for one in another container, where its pid means another process.
    """
    if not is_alive(trainer):
        return False
    try:
        process = psutil.Process(trainer.pid)
        parent = process.parent()
        return bool(_server_modules(process) - (_server_modules(parent) if parent else set()))
    except psutil.Error:
        return False


def _server_modules(process: psutil.Process) -> set[str]:
    """Return the module of a server that forks processes, or of a process that it forked: those keep its command."""
    return {FORK_SERVER_MODULE, TRIAL_SERVER_MODULE} & {*process.cmdline()}


@dataclass(eq=False)
class _Trainer:
    """A trainer process that was requested from a fork server."""

    run_id: int
    fork_server: subprocess.Popen[str] | None
    """None once the fork server has ended. The trainer lives on."""
    pid: int | None = None
    identity: ProcessIdentity | None = None
    """None before the process was forked, or if it ended before it could be identified."""
    is_forked: bool = False
    is_detached: bool = False
    """Whether it no longer owns its run: see `ForkServerClient.detach`."""

    @property
    def is_alive(self) -> bool:
        return self.identity is not None and is_alive(self.identity)

    def signal(self, number: signal.Signals) -> None:
        if self.identity:
            send_signal(self.identity, number)


class ForkServerClient:
    """Owns a fork server process and tracks the trainers that it forks. Starts another one when it has died.

    Trainers outlive their fork server. This object keeps tracking them: `report_lost_trainers` notices their exit, and
    `end_trainers` ends them with the others.
    """

    def __init__(self, on_exit: ExitCallback) -> None:
        self._on_exit = on_exit
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._trainers: list[_Trainer] = []
        self._is_ready = False
        self._changed = threading.Condition()

    @property
    def run_ids(self) -> frozenset[int]:
        """Runs whose trainer was requested and has not ended."""
        with self._changed:
            return frozenset(trainer.run_id for trainer in self._trainers if not trainer.is_detached)

    def start(self) -> None:
        """Start the fork server now, so that the first run does not wait until it has imported torch."""
        self._ensure_started()

    def launch(self, run_id: int, argument: object) -> None:
        """Request a trainer that will claim the run, or what else `fork_server` forks, with its argument."""
        with self._changed:
            process = self._ensure_started()
            self._trainers.append(_Trainer(run_id, process))
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):  # The server has just died: `_read_messages` will notice.
            process.stdin.write(f"{run_id} {argument}\n")
            process.stdin.flush()

    def adopt(self, run_id: int, trainer: ProcessIdentity) -> None:
        """Track a trainer whose fork server has ended, such as that of a killed dashboard server."""
        with self._changed:
            self._trainers.append(_Trainer(run_id, None, trainer.pid, trainer, is_forked=True))

    def kill(self, run_id: int) -> None:
        """Kill the trainer of a run, if it has one."""
        with self._changed:
            for trainer in self._trainers:
                if trainer.run_id == run_id and not trainer.is_detached:
                    trainer.signal(signal.SIGKILL)

    def detach(self, run_id: int) -> None:
        """Detach a run from its stalled trainer: its exit is not reported, and another trainer may be launched."""
        with self._changed:
            for trainer in self._trainers:
                trainer.is_detached |= trainer.run_id == run_id

    def report_lost_trainers(self) -> None:
        """Report trainers that ended after their fork server, or that it never forked. Call from one thread only."""
        with self._changed:
            lost = [trainer for trainer in self._trainers if trainer.fork_server is None and not trainer.is_alive]
        for trainer in lost:
            self._remove(trainer, EXIT_CODE_UNKNOWN)

    def end_trainers(self, number: signal.Signals, timeout: float) -> None:
        """Send a signal to every trainer and wait until all have ended, at most `timeout` seconds."""
        with self._changed:
            if self._process and not self._is_ready:
                self._process.kill()  # It is still importing, has forked no trainer, and must not begin to.
            self._changed.wait_for(lambda: all(trainer.is_forked for trainer in self._trainers), CLOSE_SECONDS)
            for trainer in self._trainers:
                trainer.signal(number)
                trainer.signal(signal.SIGCONT)  # A stopped process handles other signals only once it continues.
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.report_lost_trainers()
            with self._changed:
                if not any(trainer.is_forked for trainer in self._trainers):
                    return
                self._changed.wait(POLL_SECONDS)

    def close(self) -> None:
        """End the fork server and report every exit that is still unreported. Living trainers keep running."""
        process, reader = self._process, self._reader
        if process and process.stdin:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if reader:
            reader.join()  # Its last reports must reach the store before the store is closed.
        self.report_lost_trainers()

    def _ensure_started(self) -> subprocess.Popen[str]:
        with self._changed:
            if self._process:
                return self._process
            self._is_ready = False
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", FORK_SERVER_MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # Neither Ctrl-C nor a closed terminal reaches it.
                cwd=ROOT,
                env=_fork_server_environment(os.environ),
            )
            self._reader = threading.Thread(
                target=self._read_messages, args=(process,), name="fork-server-reader", daemon=True
            )
            self._reader.start()
            return process

    def _read_messages(self, process: subprocess.Popen[str]) -> None:
        """Handle what a fork server reports until it ends."""
        assert process.stdout
        for line in process.stdout:
            try:
                self._handle_message(process, line)
            except Exception:
                # Go on reading: one bad line must not hide the lines after it.
                _log.exception("Cannot handle the message %r from the fork server.", line)
        process.wait()
        with self._changed:
            if self._process is process:
                self._process = None
            for trainer in self._trainers_of(process):
                trainer.fork_server = None
                trainer.is_forked = trainer.identity is not None  # The last request may not have been carried out.
            self._changed.notify_all()

    def _handle_message(self, process: subprocess.Popen[str], line: str) -> None:
        word, *numbers = line.split()
        with self._changed:
            trainers = self._trainers_of(process)
            if word == "ready":
                self._is_ready |= process is self._process
            elif word == "started":
                run_id, pid = map(int, numbers)
                trainer = next(trainer for trainer in trainers if trainer.run_id == run_id and not trainer.is_forked)
                trainer.pid, trainer.identity, trainer.is_forked = pid, identify(pid), True
                self._changed.notify_all()
        if word == "exited":
            run_id, pid, code = map(int, numbers)
            trainer = next(trainer for trainer in trainers if trainer.run_id == run_id and trainer.pid == pid)
            self._remove(trainer, code)

    def _trainers_of(self, process: subprocess.Popen[str]) -> list[_Trainer]:
        return [trainer for trainer in self._trainers if trainer.fork_server is process]

    def _remove(self, trainer: _Trainer, code: int) -> None:
        """Report the exit of a trainer and stop tracking it."""
        try:
            if not trainer.is_detached:
                self._on_exit(trainer.run_id, code)
        except Exception:
            # For example a locked database. The supervisor will find the run without a trainer later.
            _log.exception("Cannot record the exit of the trainer of run %d.", trainer.run_id)
        finally:
            with self._changed:
                if trainer in self._trainers:
                    self._trainers.remove(trainer)
                self._changed.notify_all()


def _fork_server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    return {"GOMP_SPINCOUNT": SPIN_COUNT, **absolute_environment(environment)}
