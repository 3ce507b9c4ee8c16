"""Takes turns between viewers who want a page's script to run.

A script keeps Python busy for 25 ms. If hundreds of them ran at once, the server would answer nobody; run one after
the other, each viewer waits for those before him, and the live feed goes on. Sources take turns, so that somebody with
many pages delays his own most.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from contextlib import suppress

from mnist_dashboard.server.limits.sources import Pace

RERUNS_AT_ONCE = 2
"""Scripts of viewers that run at the same time. The second one fills the pauses in which the first reads the store."""

SOURCE_BURST, SOURCE_RERUNS_PER_SECOND = 100, 3.0
"""Scripts for one source at once, and in the long run. A class behind one address opens its pages in one burst."""

SERVER_BURST, SERVER_RERUNS_PER_SECOND = 1500, 12.0
"""Scripts for all viewers. In the long run they take a third of a core, which trainers hardly feel: see `nice` in
`composition`."""

_SERVER = ""


class RerunQueue:
    """The turns of all viewers' scripts. Use it in the event loop's thread."""

    def __init__(self) -> None:
        self._free = RERUNS_AT_ONCE
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._source_pace = Pace(SOURCE_BURST, SOURCE_RERUNS_PER_SECOND)
        self._server_pace = Pace(SERVER_BURST, SERVER_RERUNS_PER_SECOND)

    async def acquire(self, source: str) -> None:
        """Wait for a turn, which lasts until `release`."""
        while wait := max(self._source_pace.wait_seconds(source), self._server_pace.wait_seconds(_SERVER)):
            await asyncio.sleep(wait)
        self._source_pace.use(source)
        self._server_pace.use(_SERVER)
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(source, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            self._leave(source, turn)
            raise

    def release(self) -> None:
        """End a turn; the next one is of the source whose last turn is longest ago."""
        while self._waiting:
            source, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[source] = turns
            if not turn.cancelled():
                turn.set_result(None)
                return
        self._free += 1

    def _leave(self, source: str, turn: asyncio.Future[None]) -> None:
        """Give up a place in the queue, or the turn itself if it has come already."""
        if not turn.cancelled():
            self.release()
            return
        with suppress(KeyError, ValueError):
            self._waiting[source].remove(turn)
            if not self._waiting[source]:
                del self._waiting[source]
