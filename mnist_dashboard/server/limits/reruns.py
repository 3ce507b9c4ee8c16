"""Takes turns between viewers who want a page's script to run.

A script keeps Python busy for 25 ms. If hundreds of them ran at once, the server would answer nobody; run one after
the other, each viewer waits for those before, and the live feed goes on. Sources take turns, so a source with many
pages delays its own most.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque

from mnist_dashboard.server.limits.sources import Pace

RERUNS_AT_ONCE = 2
"""Scripts of viewers that run at the same time. The second one fills the pauses in which the first reads the store."""

SOURCE_BURST, SOURCE_RERUNS_PER_SECOND = 100, 2.0
"""Scripts for one source at once, and in the long run. A class behind one address opens its pages in one burst."""

SERVER_BURST, SERVER_RERUNS_PER_SECOND = 1500, 8.0
"""Scripts for all viewers. In the long run they take a fifth of a core."""

_SERVER = ""


class RerunQueue:
    """The turns of all viewers' scripts. Use it in the event loop's thread."""

    def __init__(self) -> None:
        self._free = RERUNS_AT_ONCE
        # By source; the source whose last turn is longest ago comes first.
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._source_pace = Pace(SOURCE_BURST, SOURCE_RERUNS_PER_SECOND)
        self._server_pace = Pace(SERVER_BURST, SERVER_RERUNS_PER_SECOND)
        self._alarm: asyncio.TimerHandle | None = None

    async def acquire(self, source: str) -> None:
        """Wait for a turn, which lasts until `release`."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(source, deque()).append(turn)
        self._give_turns()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._forget(source, turn)
            else:  # the turn came just when nobody wanted it any more
                self.release()
            raise

    def release(self) -> None:
        """End a turn."""
        self._free += 1
        self._give_turns()

    def _give_turns(self) -> None:
        """Give turns as long as some are free and the paces allow; come back when they do."""
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        while self._free and self._waiting:
            wait, source = min(
                ((self._source_pace.wait_seconds(source), source) for source in self._waiting), key=lambda pair: pair[0]
            )
            if wait := max(wait, self._server_pace.wait_seconds(_SERVER)):
                self._alarm = asyncio.get_running_loop().call_later(wait, self._give_turns)
                return
            self._give_turn(source)

    def _give_turn(self, source: str) -> None:
        turn = self._waiting[source].popleft()
        if self._waiting[source]:
            self._waiting.move_to_end(source)
        else:
            del self._waiting[source]
        if not turn.cancelled():
            self._source_pace.use(source)
            self._server_pace.use(_SERVER)
            self._free -= 1
            turn.set_result(None)

    def _forget(self, source: str, turn: asyncio.Future[None]) -> None:
        turns = self._waiting.get(source, deque())
        if turn in turns:
            turns.remove(turn)
            if not turns:
                del self._waiting[source]
