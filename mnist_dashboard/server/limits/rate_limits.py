"""Limits on how often a client may do something."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque

MAX_CLIENTS = 1000
"""Maximum number of clients that one limit remembers; it forgets the one that acted longest ago."""


class RateLimit:
    """At most `count` times in `seconds`, for each client. Safe to share between threads."""

    def __init__(self, count: int, seconds: float) -> None:
        self._count = count
        self._seconds = seconds
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def try_acquire(self, client: str) -> bool:
        """Whether `client` is within the limit. If so, this call counts."""
        with self._lock:
            times = self._times.setdefault(client, deque())
            self._times.move_to_end(client)
            if len(self._times) > MAX_CLIENTS:
                self._times.popitem(last=False)
            if self._is_exhausted(times):
                return False
            times.append(time.monotonic())
            return True

    def is_exhausted(self, client: str) -> bool:
        """Whether `client` has reached the limit. This call does not count."""
        with self._lock:
            return self._is_exhausted(self._times.get(client, deque()))

    def _is_exhausted(self, times: deque[float]) -> bool:
        while times and times[0] <= time.monotonic() - self._seconds:
            times.popleft()
        return len(times) >= self._count
