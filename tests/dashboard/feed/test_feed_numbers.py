"""Every number of the live feed is finite or null, as a strict reader of JSON demands, and no run silences another."""

from __future__ import annotations

import asyncio
import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import Message

from mnist_core.records import EvalMetrics, Progress, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_dashboard.feed import hub as hub_module
from mnist_dashboard.feed import series as series_module
from mnist_dashboard.feed.cached_run import CachedRun
from mnist_dashboard.feed.hub import LiveHub
from mnist_dashboard.feed.routes import feed_routes
from mnist_dashboard.feed.summaries import listed_run, summary_cache
from mnist_dashboard.feed.summaries.run_summary import RunSummary, summarize_run
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.shared_constants import MAX_BUCKETS
from tests.support.curve_reference import reduced_curve, tolerance
from tests.support.strict_json import parse_json
from tests.support.web.asgi_client import build_scope, send_request_async
from tests.support.web.feed_reader import (
    NO_CONFUSION,
    Reader,
    listed_runs,
    preparing_run,
    run_scenario,
    running_hub,
)

SMOOTHING_VALUES = [hundredths / 100 for hundredths in range(100)]
"""Those of the sliders on the pages."""

LARGEST_SPEED = float(np.finfo(np.float32).max)


def record(store: RunStore, run: Run, losses: list[float], first: int = 1) -> None:
    """Commit steps whose loss, learning rate and speed are these numbers, and an evaluation after the last."""
    speeds = [loss if abs(loss) < LARGEST_SPEED else math.inf for loss in losses]
    steps = [
        StepMetrics(step, 1, loss, 0.5, loss, 0.5, speed, step, NO_CONFUSION)
        for step, (loss, speed) in enumerate(zip(losses, speeds, strict=True), first)
    ]
    if not steps:
        return
    last = steps[-1]
    evaluation = EvalMetrics(last.step, 1, "test", last.loss, 0.5, NO_CONFUSION, np.zeros(1, np.uint8), 1.0)
    progress = Progress(last.step, 1, last.loss, 0.5, last.examples_per_second, 1.0)
    store.trainer_writes.append_steps(run, progress, steps, [evaluation], np.array(speeds[:40]))


async def fetch_live(hub: LiveHub, places: Path, query: str) -> list[dict[str, Any]]:
    """Return the events that `/live` sends first, read as strictly as by a browser."""
    received = bytearray()
    has_all = asyncio.Event()

    async def receive() -> Message:
        await has_all.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        received.extend(message.get("body", b""))
        if b"event: audience" in received:
            has_all.set()

    app = Starlette(routes=feed_routes(hub, AccessPolicy(places / "runs")))
    await app(build_scope(f"/live?{query}"), receive, send)
    blocks = received.decode().strip().split("\n\n")
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks]
    return [{"kind": event["event"], **parse_json(event["data"])} for event in events]


@pytest.mark.parametrize("smoothing", [0, 0.9])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_diverged_run_silences_no_other(store: RunStore, places: Path, smoothing: float, bad: float) -> None:
    good, diverged = preparing_run(store), preparing_run(store)
    record(store, good, [3.0, 2.0])
    record(store, diverged, [3.0, bad])
    store.trainer_writes.finish_run(diverged, RunStatus.DIVERGED)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            events = await fetch_live(hub, places, f"runs={good.id},{diverged.id}&smoothing={smoothing}")
            histories = {event["run"]: event for event in events if event["kind"] == "history"}
            assert histories[good.id]["loss"]["high"] == [3, 2]
            assert histories[diverged.id]["loss"] == {"low": [3, None], "high": [3, None], "smooth": [3, None]}
            assert histories[diverged.id]["evaluations"][0]["loss"] is None
            response = await send_request_async(
                Starlette(routes=feed_routes(hub, AccessPolicy(places / "runs"))), build_scope("/runs.json")
            )
            listed = listed_runs(response.body)
            assert (listed[good.id]["loss"], listed[diverged.id]["loss"]) == (2, None)
            assert listed[diverged.id]["test_loss"] is None

    run_scenario(scenario)


def test_history_is_strict_json_at_every_smoothing_that_the_pages_offer(store: RunStore) -> None:
    run = preparing_run(store)
    record(store, run, [3.0, math.nan, 2.0, math.inf])
    cached = CachedRun(run, store.queries.read_steps(run.id), store.queries.list_evaluations(run.id))
    for smoothing in SMOOTHING_VALUES:
        history = parse_json(cached.history(smoothing))
        assert history["loss"]["smooth"][0] == 3
        assert [value is None for value in history["loss"]["smooth"]] == [False, True, False, True]


RUNS = st.lists(st.tuples(st.lists(st.floats(), max_size=8), st.lists(st.floats(), max_size=4)), min_size=1, max_size=3)


@pytest.mark.fault
@settings(
    max_examples=40,
    deadline=None,
    phases=[Phase.generate],  # a missing event is noticed by a timeout, too slow for shrinking
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(runs=RUNS, smoothing=st.sampled_from(SMOOTHING_VALUES), max_buckets=st.sampled_from([2, MAX_BUCKETS]))
def test_any_numbers_reach_every_browser_as_strict_json(
    store: RunStore, runs: list[tuple[list[float], list[float]]], smoothing: float, max_buckets: int
) -> None:
    """Runs of which a browser gets the first steps as history and the others live; it reconnects, then loads anew."""
    recorded = [preparing_run(store) for _ in runs]
    for run, (earlier, _) in zip(recorded, runs, strict=True):
        record(store, run, earlier)
    ids = [run.id for run in recorded]

    async def scenario() -> None:
        async with running_hub(store) as hub:
            reader = Reader(hub, ids, smoothing=smoothing)
            for run, (earlier, _) in zip(recorded, runs, strict=True):
                history = await reader.event("history")
                assert history["run"] == run.id
                assert_right_history(history, earlier, smoothing, max_buckets)
            await reader.event("audience")
            id_before = reader.last_id
            for run, (earlier, later) in zip(recorded, runs, strict=True):
                record(store, run, later, len(earlier) + 1)
            assert_right_steps(await read_steps(reader, runs, ids), runs, ids)
            again = Reader(hub, ids, id_before, smoothing)
            assert_right_steps(await read_steps(again, runs, ids), runs, ids)
            anew = Reader(hub, ids, smoothing=smoothing)
            for earlier, later in runs:
                assert_right_history(await anew.event("history"), earlier + later, smoothing, max_buckets)
            for each in (reader, again, anew):
                await each.close()

    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as monkeypatch:
        warnings.simplefilter("error")
        monkeypatch.setattr(series_module, "MAX_BUCKETS", max_buckets)
        monkeypatch.setattr(hub_module, "POLL_SECONDS", 0.001)
        run_scenario(scenario)
    for run in recorded:
        store.trainer_writes.finish_run(run, RunStatus.STOPPED)


async def read_steps(
    reader: Reader, runs: list[tuple[list[float], list[float]]], ids: list[int]
) -> dict[int, list[float | None]]:
    """Return the losses that the reader gets live, by run, until it has all of them and their evaluations."""
    losses: dict[int, list[float | None]] = {run_id: [] for run_id in ids}
    evaluated: set[int] = set()
    awaited = {run_id for run_id, (_, later) in zip(ids, runs, strict=True) if later}
    while evaluated != awaited:
        event = await reader.event("steps", "evaluation")
        if event["kind"] == "steps":
            losses[event["run"]] += event["loss"]
        else:
            evaluated.add(event["run"])
    return losses


def assert_right_steps(
    actual: dict[int, list[float | None]], runs: list[tuple[list[float], list[float]]], ids: list[int]
) -> None:
    for run_id, (_, later) in zip(ids, runs, strict=True):
        assert actual[run_id] == [float(f"{loss:.6g}") if math.isfinite(loss) else None for loss in later]


def assert_right_history(history: dict[str, Any], losses: list[float], smoothing: float, max_buckets: int) -> None:
    expected = reduced_curve(losses, smoothing, max(1, math.ceil(len(losses) / max_buckets)))
    for name, values in expected.items():
        assert history["loss"][name] == [
            None if value is None else pytest.approx(value, rel=1e-5, abs=tolerance(losses, 1e-12)) for value in values
        ]
    average, count = history["ema"]["loss"]
    assert math.isfinite(average)
    assert count == sum(map(math.isfinite, losses))


# One run that cannot be sent


def test_a_run_that_cannot_be_sent_stops_no_other(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = preparing_run(store), preparing_run(store)
    record(store, good, [3.0])
    record(store, broken, [3.0])

    def summarize(run: Run, *queue: Any) -> RunSummary:
        return summarize_run(run, *queue) | ({"loss": math.nan} if run.id == broken.id else {})

    def points(series: Any, smoothing: float) -> dict[str, Any]:
        return history_points(series, smoothing) | ({"lr": [math.nan]} if series.steps == 1 else {})

    history_points = series_module.RunSeries.points

    def list_run(run: Run, queue: Iterable[Run]) -> list[Any]:
        return [math.nan] if run.id == broken.id else listed_run.list_run(run, queue)

    monkeypatch.setattr(hub_module, "summarize_run", summarize)
    monkeypatch.setattr(summary_cache, "list_run", list_run)

    async def scenario() -> None:
        async with running_hub(store) as hub:
            record(store, good, [2.0], first=2)
            monkeypatch.setattr(series_module.RunSeries, "points", points)
            reader = Reader(hub, [broken.id, good.id])
            assert (await reader.event("history"))["run"] == good.id
            await reader.event("audience")
            record(store, broken, [2.0], first=2)
            record(store, good, [1.0], first=3)
            event = await reader.event("steps", "history")
            assert (event["kind"], event["run"], event["loss"]) == ("steps", good.id, [1])
            assert (await reader.event("run"))["id"] == good.id
            assert list(listed_runs((await hub.summaries()).compress()[1])) == [good.id]

    run_scenario(scenario)
    assert "could not send" in caplog.text
