"""Starts and ends trainer processes, through the host that forks them (see `fork_server`).

Knows processes, not runs: what becomes of a run whose trainer has ended is the supervisor's business.
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
from pathlib import Path

import psutil

from mnist_core.records import ProcessIdentity
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import identify, is_alive, send_signal

CLOSE_SECONDS = 0.5
"""How long the host has to end, and to have forked what it was asked for, before that is given up."""

POLL_SECONDS = 0.02

FORK_SERVER_MODULE = "mnist_core.scheduler.fork_server"

SPIN_COUNT = "20000"
"""How long a trainer's threads wait for each other before they give up their core: a fifteenth of GNU OpenMP's default.

A browser that draws the page of a new run on the same cores else holds up its first batch by half a second.
https://gcc.gnu.org/onlinedocs/libgomp/GOMP_005fSPINCOUNT.html
"""

FORK_SERVER_LOST = 256
"""Reported in place of an exit code, which goes up to 255, when the host has ended and nobody will learn of it."""

_log = logging.getLogger(__name__)

ExitCallback = Callable[[int, int], None]
"""Called with a run's id and its trainer's exit code (or minus the signal that ended it)."""


def is_orphan(trainer: ProcessIdentity) -> bool:
    """Whether a host has forked this trainer and has ended since; not so for one in a terminal."""
    try:
        process = psutil.Process(trainer.pid)
        parent = process.parent()
        return _belongs_to_fork_server(process) and not (parent and _belongs_to_fork_server(parent))
    except psutil.Error:
        return False


def _belongs_to_fork_server(process: psutil.Process) -> bool:
    return FORK_SERVER_MODULE in process.cmdline()  # a fork keeps it


@dataclass(eq=False)
class _Trainer:
    """One process that was asked for. Its host is None once that has ended; a trainer outlives it."""

    run_id: int
    host: subprocess.Popen[str] | None
    pid: int | None = None
    identity: ProcessIdentity | None = None
    """None before it was forked, and if it had ended before anybody could look."""
    is_forked: bool = False
    is_abandoned: bool = False

    @property
    def is_alive(self) -> bool:
        return self.identity is not None and is_alive(self.identity)

    def signal(self, number: signal.Signals) -> None:
        if self.identity:
            send_signal(self.identity, number)


class ForkServerClient:
    """The process that forks trainers (see `fork_server`), restarted when it is needed and has died.

    Trainers of a server that died stay with this object: it notices their end in `report_lost_trainers` and ends
    them with the others.
    """

    def __init__(self, exited: ExitCallback) -> None:
        self._exited = exited
        self._process: subprocess.Popen[str] | None = None
        self._listener: threading.Thread | None = None
        self._trainers: list[_Trainer] = []
        self._ready = False
        self._changed = threading.Condition()

    @property
    def run_ids(self) -> frozenset[int]:
        """Runs for which a trainer was asked for and has not ended."""
        with self._changed:
            return frozenset(trainer.run_id for trainer in self._trainers if not trainer.is_abandoned)

    def start(self) -> None:
        """Have it import torch now, so that the first run does not wait for that."""
        self._running()

    def launch(self, run_id: int, max_active: int) -> None:
        """Have a trainer forked that will claim the run."""
        with self._changed:
            process = self._running()
            self._trainers.append(_Trainer(run_id, process))
        assert process.stdin
        with contextlib.suppress(BrokenPipeError):  # it has just died: `_listen` reports the run as exited
            process.stdin.write(f"{run_id} {max_active}\n")
            process.stdin.flush()

    def adopt(self, run_id: int, trainer: ProcessIdentity) -> None:
        """Take on a trainer whose host has ended, as another server's has that was killed."""
        with self._changed:
            self._trainers.append(_Trainer(run_id, None, trainer.pid, trainer, is_forked=True))

    def kill(self, run_id: int) -> None:
        """End one trainer, wherever it is, if it is there."""
        with self._changed:
            for trainer in self._trainers:
                if trainer.run_id == run_id and not trainer.is_abandoned:
                    trainer.signal(signal.SIGKILL)

    def abandon(self, run_id: int) -> None:
        """Its run is no longer this trainer's, if it should ever go on; another may be launched for the run."""
        with self._changed:
            for trainer in self._trainers:
                trainer.is_abandoned |= trainer.run_id == run_id

    def report_lost_trainers(self) -> None:
        """Report those trainers that have ended since their host did, or never began. One thread at a time."""
        with self._changed:
            ended = [trainer for trainer in self._trainers if trainer.host is None and not trainer.is_alive]
        for trainer in ended:
            self._report(trainer, FORK_SERVER_LOST)

    def end_trainers(self, number: signal.Signals, timeout: float) -> None:
        """Send a signal to every trainer and wait until all have ended, at most `timeout` seconds."""
        with self._changed:
            if self._process and not self._ready:
                self._process.kill()  # still importing: it has forked nobody, and must not begin to
            self._changed.wait_for(lambda: all(trainer.is_forked for trainer in self._trainers), CLOSE_SECONDS)
            for trainer in self._trainers:
                trainer.signal(number)
                trainer.signal(signal.SIGCONT)  # one that somebody has stopped hears nothing else
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.report_lost_trainers()
            with self._changed:
                if not any(trainer.is_forked for trainer in self._trainers):
                    return
                self._changed.wait(POLL_SECONDS)

    def close(self) -> None:
        process, listener = self._process, self._listener
        if process and process.stdin:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            try:
                process.wait(CLOSE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
        if listener:
            listener.join()  # what it still has to report goes into the store before that is closed
        self.report_lost_trainers()

    def _running(self) -> subprocess.Popen[str]:
        with self._changed:
            if self._process:
                return self._process
            self._ready = False
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", FORK_SERVER_MODULE],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                errors="replace",
                start_new_session=True,  # neither Ctrl-C nor a closed terminal reaches it
                cwd=ROOT,
                env=_fork_server_environment(os.environ),
            )
            self._listener = threading.Thread(target=self._listen, args=(process,), name="trainer-host", daemon=True)
            self._listener.start()
            return process

    def _listen(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            try:
                self._hear(process, line)
            except Exception:
                # One line that cannot be read must not leave the lines after it unread for ever.
                _log.exception("The trainer host said %r, which could not be acted on.", line)
        process.wait()
        with self._changed:
            if self._process is process:
                self._process = None
            orphans = [trainer for trainer in self._trainers if trainer.host is process]
            for trainer in orphans:
                trainer.host = None
                trainer.is_forked = trainer.identity is not None  # what it was asked for last, it may not have done
            self._changed.notify_all()

    def _hear(self, process: subprocess.Popen[str], line: str) -> None:
        word, *numbers = line.split()
        with self._changed:
            mine = [trainer for trainer in self._trainers if trainer.host is process]
            if word == "ready":
                self._ready |= process is self._process
            elif word == "started":
                run_id, pid = map(int, numbers)
                trainer = next(one for one in mine if one.run_id == run_id and not one.is_forked)
                trainer.pid, trainer.identity, trainer.is_forked = pid, identify(pid), True
                self._changed.notify_all()
        if word == "exited":
            run_id, pid, code = map(int, numbers)
            self._report(next(one for one in mine if one.run_id == run_id and one.pid == pid), code)

    def _report(self, trainer: _Trainer, code: int) -> None:
        try:
            if not trainer.is_abandoned:
                self._exited(trainer.run_id, code)
        except Exception:
            # Such as a locked database. Once the trainer is off the list, whoever looks next finds its run.
            _log.exception("The end of the trainer of run %d could not be recorded.", trainer.run_id)
        finally:
            with self._changed:
                if trainer in self._trainers:
                    self._trainers.remove(trainer)
                self._changed.notify_all()


def _fork_server_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """With folders given relative to where the server was started resolved, since the host starts elsewhere."""
    places = {name: environment[name] for name in ("MNIST_DATA_DIR", "MNIST_RUNS_DIR") if environment.get(name)}
    resolved = {name: str(Path(place).expanduser().resolve()) for name, place in places.items()}
    return {"GOMP_SPINCOUNT": SPIN_COUNT, **environment, **resolved}
