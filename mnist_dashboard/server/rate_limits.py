"""A limit on how often somebody may do something."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque

MAX_SOURCES = 1000
"""How many are kept apart; whoever was heard of longest ago is forgotten first."""


class RateLimit:
    """At most `most` times in `seconds`, for each source apart. Safe to share between threads."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._times: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, source: str) -> bool:
        """Whether `source` may do it once more now; if so, that counts."""
        with self._lock:
            times = self._times.setdefault(source, deque())
            self._times.move_to_end(source)
            if len(self._times) > MAX_SOURCES:
                self._times.popitem(last=False)
            if self._is_used_up(times):
                return False
            times.append(time.monotonic())
            return True

    def is_used_up(self, source: str) -> bool:
        """Whether `source` may not do it once more now; asking does not count."""
        with self._lock:
            return self._is_used_up(self._times.get(source, deque()))

    def _is_used_up(self, times: deque[float]) -> bool:
        while times and times[0] <= time.monotonic() - self._seconds:
            times.popleft()
        return len(times) >= self._most


class TokenBucket:
    """At most `burst` at once, and `per_second` in the long run, for one source. For one thread."""

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._tokens = burst
        self._filled_at = time.monotonic()

    def try_acquire(self) -> bool:
        """Whether it may be done once more now; if so, that counts."""
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True
