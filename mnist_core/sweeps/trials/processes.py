"""Starts the processes of trials through the trial server, which it starts and restarts. Does not import torch."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from queue import Empty, SimpleQueue
from typing import Self, TypeAlias

from mnist_core.config import TrainConfig
from mnist_core.records import encode_json
from mnist_core.system.paths import ROOT, absolute_environment

TRIAL_SERVER_MODULE = "mnist_core.sweeps.trials.server"
"""The processes of trials keep the command line of the trial server that forked them."""

SWEEP_INTERRUPTED = "Its sweep was interrupted."
"""Why a run was interrupted whose controller ended in order."""

CLOSE_SECONDS = 2.0
"""Time limit for the trial server to exit."""

TrialKey: TypeAlias = tuple[int, int]
"""Number of the trial, and seed."""


@dataclass(frozen=True)
class TrialJob:
    """One run of a trial that a process is to train."""

    sweep_id: int
    attempt: int
    """Attempt of the controller that wants it."""
    trial: int
    name: str
    """Name of the run, if it is new."""
    config: TrainConfig

    @property
    def seed(self) -> int:
        return self.config.seed

    @property
    def key(self) -> TrialKey:
        return self.trial, self.seed

    def to_json(self) -> str:
        return encode_json(asdict(self))

    @classmethod
    def from_json(cls, line: bytes) -> Self:
        values = json.loads(line)
        return cls(**{**values, "config": TrainConfig(**values["config"])})


class TrialProcesses:
    """Owns a trial server, and knows which jobs were launched and have not ended."""

    def __init__(self, dataset: str) -> None:
        self._dataset = dataset
        self._server: subprocess.Popen[str] | None = None
        self._messages: SimpleQueue[str] = SimpleQueue()
        self._launched: set[TrialKey] = set()

    @property
    def launched(self) -> frozenset[TrialKey]:
        """The jobs that were launched and whose end has not been returned by `take_ended`."""
        return frozenset(self._launched)

    def start(self) -> None:
        """Start the trial server now, so that the first trial does not wait until it has imported torch."""
        if self._server is None:
            self._messages = SimpleQueue()
            self._server = subprocess.Popen(
                [sys.executable, "-m", TRIAL_SERVER_MODULE, self._dataset],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,  # Ctrl-C in a terminal reaches the controller alone
                cwd=ROOT,
                env=absolute_environment(os.environ),
            )
            assert self._server.stdout
            arguments = (self._server.stdout, self._messages)
            threading.Thread(target=_read_messages, args=arguments, name="trial-server-reader", daemon=True).start()

    def launch(self, job: TrialJob) -> None:
        """Have a process train the run of a job."""
        self.start()
        assert self._server
        assert self._server.stdin
        self._launched.add(job.key)
        with contextlib.suppress(BrokenPipeError):  # the server has just died: `take_ended` will notice
            self._server.stdin.write(job.to_json() + "\n")
            self._server.stdin.flush()

    def take_ended(self) -> set[TrialKey]:
        """Return the jobs whose process has ended since the last call. A run that has begun has recorded its end.

        If the trial server has died, these are all: some may still train, which the store shows, and some never began.
        """
        has_died = self._server is not None and self._server.poll() is not None
        ended = set(self._launched) if has_died else self._exited()
        if has_died:
            self._server = None
        self._launched -= ended
        return ended

    def close(self) -> None:
        """End the trial server. What it has forked trains on."""
        if self._server and self._server.stdin:
            with contextlib.suppress(BrokenPipeError):
                self._server.stdin.close()
            try:
                self._server.wait(CLOSE_SECONDS)
            except subprocess.TimeoutExpired:  # it still imports torch or loads the dataset
                self._server.kill()
                self._server.wait()
        self._server = None

    def _exited(self) -> set[TrialKey]:
        exited: set[TrialKey] = set()
        with contextlib.suppress(Empty):
            while True:
                word, *numbers = self._messages.get_nowait().split()
                if word == "exited":
                    exited.add((int(numbers[0]), int(numbers[1])))
        return exited


def _read_messages(lines: Iterable[str], messages: SimpleQueue[str]) -> None:
    for line in lines:
        messages.put(line)
