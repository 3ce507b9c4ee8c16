"""The learning-rate range tests that people ask for on a page: one at a time, and none while a run trains or waits."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from dataclasses import asdict

from mnist_core.config import TrainConfig
from mnist_core.errors import RunStateError
from mnist_core.records import RunStatus, encode_json
from mnist_core.scheduler.fork_client import ForkServerClient
from mnist_core.store import RunStore
from mnist_core.sweeps.control import is_searching
from mnist_core.sweeps.rate_zones import RANGE_TEST_RUN_ID, RateZones, save_zones, zone_settings


class RangeTests:
    """Has the fork server fork a process for each test. The supervisor calls `tend` in its thread, again and again.

    Training comes first: the process of a test is killed once a run is submitted.
    """

    def __init__(self, store: RunStore, fork_server: ForkServerClient, wake: Callable[[], None]) -> None:
        self._store = store
        self._fork_server = fork_server
        self._wake = wake
        self._lock = threading.Lock()
        self._requested: TrainConfig | None = None
        self._running: TrainConfig | None = None
        self._is_cancelled = False

    @property
    def is_active(self) -> bool:
        """Whether a test was requested and has not ended."""
        with self._lock:
            return bool(self._requested or self._running)

    def request(self, config: TrainConfig) -> None:
        """Test these settings, in place of any others. Callable from any thread.

        Raises `RunStateError` while a run trains or waits.
        """
        if self._is_busy():
            raise RunStateError("Learning rates can be tested while no run trains or waits. Try again after this run.")
        with self._lock:
            self._requested = config
        self._wake()

    def is_testing(self, config: TrainConfig) -> bool:
        """Whether a test of these settings was requested and has not ended. Callable from any thread."""
        settings = zone_settings(config)
        with self._lock:
            tests = (self._requested, None if self._is_cancelled else self._running)
        return any(test is not None and zone_settings(test) == settings for test in tests)

    def tend(self) -> None:
        """Start a requested test. End the running one if a run needs the cores, or other settings are requested."""
        if not self.is_active:
            return
        is_busy = self._is_busy()
        with self._lock:
            if is_busy:
                self._requested = None
            self._is_cancelled |= bool(self._running and (is_busy or self._requested))
            must_end, config = self._is_cancelled, None
            if not self._running and self._requested:
                self._running, self._requested = self._requested, None
                config = self._running
        if must_end:
            self._fork_server.kill(RANGE_TEST_RUN_ID)
        if config:
            self._fork_server.launch(RANGE_TEST_RUN_ID, encode_json(asdict(config), compact=True))

    def note_exit(self, code: int) -> None:
        """Note that the process of a test has ended. If it failed without a word, remember that it did."""
        with self._lock:
            config, was_cancelled = self._running, self._is_cancelled
            self._running, self._is_cancelled = None, False
        if config and code not in (0, -signal.SIGTERM) and not was_cancelled:  # SIGTERM: the server closes
            why = "was killed: the system may be out of memory" if code == -signal.SIGKILL else "failed"
            problem = f"The test {why}. Try again; the terminal has the details."
            save_zones(RateZones(settings=zone_settings(config), problem=problem))

    def _is_busy(self) -> bool:
        """Whether a run trains or waits for its turn, or a sweep searches. A paused run does not need the cores."""
        unfinished = self._store.queries.list_unfinished_runs()
        return any(run.status is not RunStatus.PAUSED for run in unfinished) or is_searching(self._store)
