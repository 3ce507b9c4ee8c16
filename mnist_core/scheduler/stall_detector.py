"""Finds processes that still exist but have stopped working, such as one that somebody suspended."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping


class StallDetector:
    """Reports ids that have shown no new sign of life for `seconds`, measured on the observer's own clock.

    Only time between observations counts, and at most `longest_gap` seconds of each gap: if the observer itself was
    suspended together with the processes it watches, they are not blamed for that time.
    """

    def __init__(self, seconds: float, longest_gap: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._longest_gap = longest_gap
        self._clock = clock
        self._observed_at = clock()
        self._known: dict[int, tuple[Hashable, float]] = {}

    def observe(self, signs: Mapping[int, Hashable]) -> set[int]:
        """Record the latest sign of life of each id, and return the ids that are stalled."""
        now = self._clock()
        passed = min(now - self._observed_at, self._longest_gap)
        self._observed_at = now
        known, self._known = self._known, {}
        for run_id, sign in signs.items():
            previous_sign, silent_seconds = known.get(run_id, (None, 0.0))
            self._known[run_id] = sign, silent_seconds + passed if sign == previous_sign else 0.0
        return {run_id for run_id, (_sign, silent) in self._known.items() if silent >= self._seconds}
