"""Readers of the live feed, without browsers."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from mnist_core.config import TrainConfig
from mnist_core.records import Confusion, Progress, Run, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_dashboard.feed.hub import LiveHub
from tests.support.strict_json import parse_json

NO_CONFUSION: Confusion = tuple((0,) * 10 for _ in range(10))


def commit_steps(store: RunStore, run: Run, first: int, count: int) -> None:
    steps = [StepMetrics(n, 1, n / 10, 0.5, 0.01, 0.5, 100, n, NO_CONFUSION) for n in range(first, first + count)]
    store.trainer_writes.append_steps(run, Progress(step=first + count - 1), steps)


def listed_runs(compressed: bytes) -> dict[int, dict[str, Any]]:
    """Return the runs in a response to `/runs.json`, by id, with their settings as a dictionary."""
    table = parse_json(gzip.decompress(compressed))
    listed = {}
    for row in table["rows"]:
        values = dict(zip(table["fields"], row, strict=False))
        settings = dict(zip(table["settings"], row[len(table["fields"]) :], strict=True))
        listed[values["id"]] = values | {"settings": settings}
    return listed


def preparing_run(store: RunStore) -> Run:
    return store.commands.create_run(TrainConfig(), trainer=own_identity())


class Reader:
    """A reader of the live feed, as a browser is one."""

    def __init__(
        self,
        hub: LiveHub,
        runs: list[int],
        last_event_id: str = "",
        smoothing: float = 0.0,
        *,
        sweep_id: int | None = None,
    ) -> None:
        self._stream = hub.stream(runs, smoothing, last_event_id, sweep_id=sweep_id)
        self.unread: list[str] = []
        self.last_id = ""

    async def event(self, *kinds: str) -> dict[str, Any]:
        """Return the next event of one of these kinds."""
        while True:
            while self.unread:
                lines = dict(line.split(": ", 1) for line in self.unread.pop(0).splitlines())
                self.last_id = lines["id"]
                if lines["event"] in kinds:
                    return {"kind": lines["event"], **parse_json(lines["data"])}
            piece = await anext(self._stream, None)
            if piece is None:
                raise EOFError
            self.unread = piece.decode().removesuffix("\n\n").split("\n\n")

    async def close(self) -> None:
        await self._stream.aclose()  # type: ignore[attr-defined]


@asynccontextmanager
async def running_hub(
    store: RunStore, on_change: Callable[[Run, dict[str, Any]], None] = lambda _run, _summary: None
) -> AsyncIterator[LiveHub]:
    hub = LiveHub(store, on_change)
    task = asyncio.create_task(hub.follow())
    try:
        async with asyncio.timeout(20):
            yield hub
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def run_scenario(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]
