"""A limit on how often somebody may do something."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque

MOST_SOURCES = 1000
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
        now = time.monotonic()
        with self._lock:
            times = self._times.setdefault(source, deque())
            self._times.move_to_end(source)
            if len(self._times) > MOST_SOURCES:
                self._times.popitem(last=False)
            while times and times[0] <= now - self._seconds:
                times.popleft()
            if len(times) >= self._most:
                return False
            times.append(now)
            return True
