"""Which clients count as one source, and limits on what one source and all sources together may do.

Somebody who has one IPv6 address usually has 2^64 of them (RFC 4291, section 2.5.1), so a /64 counts as one source.
Owners are not limited: code asks these limits for viewers only.
"""

from __future__ import annotations

import ipaddress
import time
from collections import Counter, OrderedDict

IPV6_PREFIX_LENGTH = 64
MAX_SOURCES = 10_000
"""Maximum number of sources that one limit remembers; it forgets the one that acted longest ago."""


def source_of(address: str) -> str:
    """Return the source of a client's address: the address itself, or the network of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX_LENGTH), strict=False))


class SharedLimit:
    """How many things, such as open streams, may exist at once: for one source, and in all. Not thread-safe."""

    def __init__(self, per_source: int, in_all: int) -> None:
        self._per_source = per_source
        self._in_all = in_all
        self._counts: Counter[str] = Counter()

    def try_take(self, source: str) -> bool:
        """Whether there is room for one more. If so, it counts until `give_back`."""
        if self._counts[source] >= self._per_source or self._counts.total() >= self._in_all:
            if not self._counts[source]:
                del self._counts[source]
            return False
        self._counts[source] += 1
        return True

    def give_back(self, source: str) -> None:
        self._counts[source] -= 1
        if not self._counts[source]:
            del self._counts[source]


class Pace:
    """How often something may happen: `burst` times at once, and `per_second` times in the long run. Not thread-safe.

    Instead of refusing, it says how long to wait, so that nobody loses a click to it.
    """

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = burst
        self._per_second = per_second
        self._free_at: OrderedDict[str, float] = OrderedDict()

    def wait_seconds(self, source: str) -> float:
        """Return how long the source would have to wait for its turn now."""
        return max(0.0, self._free_at.get(source, 0.0) - time.monotonic())

    def use(self, source: str, cost: float = 1.0) -> None:
        """Count one use, however long the wait."""
        now = time.monotonic()
        # The time at which a bucket of `burst` uses, filled at `per_second`, would have a whole one again.
        spent_until = max(self._free_at.get(source, 0.0), now - (self._burst - 1) / self._per_second)
        self._free_at[source] = spent_until + cost / self._per_second
        self._free_at.move_to_end(source)
        if len(self._free_at) > MAX_SOURCES:
            self._free_at.popitem(last=False)
