"""The live feed: it reads each commit once and sends every batch to every reader once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.types import Message as AsgiMessage

from mnist_core.config import TrainConfig
from mnist_core.records import EvalMetrics, Progress, RunStatus
from mnist_core.store import RunStore
from mnist_dashboard.feed import broadcaster, routes
from mnist_dashboard.feed.hub import LiveHub, poll_seconds
from mnist_dashboard.feed.routes import feed_routes
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from tests.support.web.asgi_client import build_scope
from tests.support.web.feed_reader import NO_CONFUSION, Reader, commit_steps, preparing_run, run_scenario, running_hub


@pytest.fixture
def writer(places: Path, store: RunStore) -> RunStore:
    """The trainer's store, with its own connections as in another process."""
    return RunStore.open(places / "runs")


def test_a_new_reader_gets_the_history_and_then_every_step_once(store: RunStore, writer: RunStore) -> None:
    run = preparing_run(writer)
    commit_steps(writer, run, 1, 5)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [run.id])
            history = await reader.event("history")
            assert (history["step"], history["x"]) == (5, [1, 2, 3, 4, 5])
            commit_steps(writer, run, 6, 3)
            commit_steps(writer, run, 9, 2)
            seen: list[float] = []
            while len(seen) < 5:
                steps = await reader.event("steps")
                assert steps["first"] == 6 + len(seen)
                seen += steps["loss"]
            assert seen == [0.6, 0.7, 0.8, 0.9, 1.0]

    run_scenario(scenario)


def test_a_new_stream_gets_the_runs_that_changed_a_moment_ago(store: RunStore, writer: RunStore) -> None:
    run = preparing_run(writer)
    writer.trainer_writes.finish_run(run, RunStatus.STOPPED)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            old = Reader(hub, [])
            await old.event("audience")
            writer.commands.edit_run(run.id, tags=["fresh"])
            while (await old.event("run"))["tags"] != ["fresh"]:
                pass
            event = await Reader(hub, []).event("run", "audience")
            assert (event["kind"], event["tags"]) == ("run", ["fresh"])

    run_scenario(scenario)


def test_evaluations_and_changes_of_status_arrive(store: RunStore, writer: RunStore) -> None:
    run = preparing_run(writer)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [run.id])
            await reader.event("history")
            evaluation = EvalMetrics(4, 1, "validation", float("nan"), 0.8, NO_CONFUSION, np.zeros(1, np.uint8), 1.0)
            writer.trainer_writes.append_steps(run, Progress(step=4), [], [evaluation])
            event = await reader.event("evaluation")
            assert (event["step"], event["loss"], event["accuracy"]) == (4, None, 0.8)
            writer.trainer_writes.finish_run(run, RunStatus.STOPPED)
            while (await reader.event("run"))["status"] != "stopped":
                pass

    run_scenario(scenario)


def test_queue_positions_are_sent_again_when_they_change(store: RunStore, writer: RunStore) -> None:
    first, second = writer.commands.create_run(TrainConfig()), writer.commands.create_run(TrainConfig())

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [])
            places = {event["id"]: event["queue_position"] for event in [await reader.event("run") for _ in range(2)]}
            assert places == {first.id: 1, second.id: 2}
            writer.commands.request_stop(first.id)
            while True:
                event = await reader.event("run")
                if event["id"] == second.id:
                    assert event["queue_position"] == 1
                    return

    run_scenario(scenario)


def test_queue_positions_are_sent_again_when_somebody_moves_a_run(store: RunStore, writer: RunStore) -> None:
    runs = [writer.commands.create_run(TrainConfig()) for _ in range(3)]

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [])
            for _ in runs:
                await reader.event("run")
            assert (await reader.event("queue"))["runs"] == [1, 2, 3]
            writer.commands.move_queued_run(runs[2].id, before=runs[0].id)
            events = [await reader.event("run") for _ in runs]
            positions = {event["name"]: (event["queue_position"], event["after"]) for event in events}
            assert positions == {"run-3": (1, None), "run-1": (2, "run-3"), "run-2": (3, "run-1")}
            assert (await reader.event("queue"))["runs"] == [3, 1, 2]

    run_scenario(scenario)


def test_a_browser_that_reconnects_gets_what_it_missed(store: RunStore, writer: RunStore) -> None:
    run = preparing_run(writer)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            watching, leaving = Reader(hub, [run.id]), Reader(hub, [run.id])
            await watching.event("history")
            await leaving.event("history")
            commit_steps(writer, run, 1, 2)
            await leaving.event("steps")
            await leaving.close()
            commit_steps(writer, run, 3, 2)
            while (await watching.event("steps"))["first"] < 3:
                pass
            back = Reader(hub, [run.id], leaving.last_id)
            event = await back.event("history", "steps")
            assert (event["kind"], event["first"]) == ("steps", 3)
            stranger = Reader(hub, [run.id], "elsewhere:1")
            assert (await stranger.event("history", "steps"))["kind"] == "history"

    run_scenario(scenario)


@pytest.mark.fault
def test_only_a_reader_that_does_not_keep_up_is_dropped(
    store: RunStore, writer: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 20
    monkeypatch.setattr(broadcaster, "MAX_QUEUED_MESSAGES", most)
    run = preparing_run(writer)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            slow, quick = Reader(hub, [run.id]), Reader(hub, [run.id])
            await slow.event("history")
            await quick.event("history")
            for first in range(1, most + 2):
                commit_steps(writer, run, first, 1)
                await quick.event("run")
            with pytest.raises(EOFError):
                await slow.event("steps")
            commit_steps(writer, run, most + 2, 1)
            while (await quick.event("steps"))["first"] < most + 2:
                pass

    run_scenario(scenario)


def test_a_browser_that_stops_reading_is_dropped(
    store: RunStore, writer: RunStore, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "SEND_TIMEOUT_SECONDS", 0.05)
    run = preparing_run(writer)
    never = asyncio.Event()

    async def receive() -> AsgiMessage:
        await never.wait()
        raise AssertionError

    async def stuck(message: AsgiMessage) -> None:
        if message["type"] == "http.response.body":
            await never.wait()

    async def scenario() -> None:
        async with running_hub(store) as hub:
            other = Reader(hub, [run.id])
            await other.event("history")
            app = Starlette(routes=feed_routes(hub, AccessPolicy(places / "runs")))
            await app(build_scope(f"/live?runs={run.id}"), receive, stuck)
            commit_steps(writer, run, 1, 1)
            assert (await other.event("steps"))["first"] == 1

    run_scenario(scenario)


def test_a_commit_is_read_once_however_many_readers_there_are(
    store: RunStore, writer: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = preparing_run(writer)
    reads: list[str] = []

    def count(name: str) -> None:
        read = getattr(store.queries, name)

        def counted(*arguments: Any) -> Any:
            reads.append(name)
            return read(*arguments)

        monkeypatch.setattr(store.queries, name, counted)

    for name in ("read_changes", "get_run", "read_steps", "list_evaluations", "list_runs", "list_unfinished_runs"):
        count(name)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            readers = [Reader(hub, [run.id]) for _ in range(20)]
            for reader in readers:
                await reader.event("history")
            assert [reads.count(name) for name in ("get_run", "read_steps", "list_evaluations")] == [1, 1, 1]
            reads.clear()
            commit_steps(writer, run, 1, 1)
            for reader in readers:
                await reader.event("steps")
            joiners = [Reader(hub, [run.id]) for _ in range(20)]
            for joiner in joiners:
                assert (await joiner.event("history"))["step"] == 1
            assert reads == ["read_changes"]

    run_scenario(scenario)


def test_the_changes_of_one_commit_reach_a_browser_in_one_message(store: RunStore, writer: RunStore) -> None:
    run = preparing_run(writer)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [run.id])
            await reader.event("audience")
            commit_steps(writer, run, 1, 2)
            await reader.event("steps")
            assert [line.split("\n")[1] for line in reader.unread] == ["event: run"]

    run_scenario(scenario)


def test_close_ends_every_stream(store: RunStore, writer: RunStore) -> None:
    run = preparing_run(writer)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, [run.id])
            await reader.event("history")
            hub.broadcaster.close()
            with pytest.raises(EOFError):
                await reader.event("steps")

    run_scenario(scenario)


def test_a_server_that_shuts_down_completes_every_response(
    store: RunStore, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[AsgiMessage] = []

    async def receive() -> AsgiMessage:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: AsgiMessage) -> None:
        sent.append(message)
        monkeypatch.setattr(AppStatus, "should_exit", True)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            app = Starlette(routes=feed_routes(hub, AccessPolicy(places / "runs")))
            await app(build_scope("/live"), receive, send)

    run_scenario(scenario)
    assert sent[0]["status"] == 200
    assert sent[-1].get("more_body") is False


@pytest.mark.parametrize("query", ["runs=seven", "runs=-1", "runs=1&smoothing=1", "smoothing=x", "runs=" + "1," * 21])
def test_an_invalid_query_is_refused_with_a_sentence(store: RunStore, places: Path, query: str) -> None:
    app = Starlette(routes=feed_routes(LiveHub(store), AccessPolicy(places / "runs")))
    sent: list[AsgiMessage] = []
    scope = {"type": "http", "method": "GET", "path": "/live", "query_string": query.encode(), "headers": []}

    async def receive() -> AsgiMessage:
        return {"type": "http.request"}

    async def send(message: AsgiMessage) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    assert sent[0]["status"] == 400
    assert b"must be" in sent[1]["body"]


@pytest.mark.parametrize(("streams", "seconds"), [(0, 0.05), (20, 0.05), (50, 0.125), (200, 0.5), (5000, 1.0)])
def test_the_store_is_polled_less_often_with_more_readers(streams: int, seconds: float) -> None:
    assert poll_seconds(streams) == pytest.approx(seconds)
