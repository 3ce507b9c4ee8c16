"""Viewers' scripts take turns, source by source."""

from __future__ import annotations

import asyncio

import pytest

from mnist_dashboard.server.limits import reruns
from mnist_dashboard.server.limits.reruns import RERUNS_AT_ONCE, RerunQueue


class Viewers:
    """Viewers who queue for a turn; `had_turn` lists them in the order of their turns."""

    def __init__(self) -> None:
        self.queue = RerunQueue()
        self.had_turn: list[str] = []

    async def ask(self, *names: str) -> list[asyncio.Task[None]]:
        """Queue a viewer for each name; the source is its first letter."""
        tasks = [asyncio.create_task(self._take_turn(name)) for name in names]
        await self._settle()
        return tasks

    async def end_turn(self) -> None:
        self.queue.release()
        await self._settle()

    async def _take_turn(self, name: str) -> None:
        await self.queue.acquire(name[0])
        self.had_turn.append(name)

    async def _settle(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)


def test_few_scripts_run_at_once() -> None:
    async def scenario() -> None:
        viewers = Viewers()
        await viewers.ask(*[f"a{number}" for number in range(RERUNS_AT_ONCE + 1)])
        assert len(viewers.had_turn) == RERUNS_AT_ONCE
        await viewers.end_turn()
        assert len(viewers.had_turn) == RERUNS_AT_ONCE + 1

    asyncio.run(scenario())


def test_sources_take_turns() -> None:
    async def scenario() -> None:
        viewers = Viewers()
        await viewers.ask(*["x"] * RERUNS_AT_ONCE)
        await viewers.ask("a1", "a2", "a3", "b1", "c1")
        for _ in range(5):
            await viewers.end_turn()
        assert viewers.had_turn[RERUNS_AT_ONCE:] == ["a1", "b1", "c1", "a2", "a3"]

    asyncio.run(scenario())


def test_a_viewer_who_leaves_the_queue_takes_no_turn() -> None:
    async def scenario() -> None:
        viewers = Viewers()
        await viewers.ask(*["x"] * RERUNS_AT_ONCE)
        leaving, _staying = await viewers.ask("a1", "b1")
        leaving.cancel()
        await viewers.end_turn()
        assert viewers.had_turn[RERUNS_AT_ONCE:] == ["b1"]

    asyncio.run(scenario())


def test_a_turn_that_comes_as_the_viewer_leaves_goes_to_the_next() -> None:
    async def scenario() -> None:
        viewers = Viewers()
        await viewers.ask(*["x"] * RERUNS_AT_ONCE)
        leaving, _staying = await viewers.ask("a1", "b1")
        viewers.queue.release()
        leaving.cancel()
        await viewers._settle()
        assert viewers.had_turn[RERUNS_AT_ONCE:] == ["b1"]

    asyncio.run(scenario())


def test_a_source_that_asks_too_often_waits_and_others_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reruns, "SOURCE_BURST", 1)
    monkeypatch.setattr(reruns, "SOURCE_RERUNS_PER_SECOND", 0.001)

    async def scenario() -> None:
        viewers = Viewers()
        await viewers.ask("a1")
        await viewers.end_turn()
        waiting = await viewers.ask("a2", "b1")
        assert viewers.had_turn == ["a1", "b1"]
        waiting[0].cancel()

    asyncio.run(scenario())
