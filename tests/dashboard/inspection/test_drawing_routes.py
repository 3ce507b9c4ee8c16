"""Kept drawings in the browser, and how runs come to have read them."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from typing import Any, cast

import pytest
from starlette.applications import Starlette

from mnist_core.config import TrainConfig
from mnist_core.errors import InferenceError, InferenceUnavailableError
from mnist_core.inference.client import InferenceClient
from mnist_core.records import DrawingScore, FileKind, KeptDrawing, Run, RunFile, RunStatus, encode_json
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_dashboard.inspection import drawing_judge
from mnist_dashboard.inspection.drawing_judge import DrawingJudge
from mnist_dashboard.inspection.drawing_routes import DrawingRoutes
from tests.dashboard.inspection.conftest import json_of
from tests.support.web.asgi_client import fetch

FOUR, NINE = bytes([4]) * 784, bytes([9]) * 784
"""Drawings that the scripted network reads by their shade."""


class ScriptedNetworks:
    """Answers as the inference process does: every run reads 4 and 9 right, but those in `errors`."""

    def __init__(self) -> None:
        self.questions: list[tuple[int, int]] = []
        """Run and number of images of each question."""
        self.errors: dict[int, InferenceError] = {}

    async def ask(self, question: Mapping[str, Any], body: bytes = b"", *, is_batch: bool = False) -> bytes:
        assert question["ask"] == "read_all"
        assert is_batch
        run = question["run"]
        self.questions.append((run, len(body) // 784))
        if run in self.errors:
            raise self.errors[run]
        digits = body[::784]
        shares = [[0.91 if digit == read else 0.01 for digit in range(10)] for read in digits]
        return encode_json({"run": run, "step": 9, "probabilities": shares}).encode()


@pytest.fixture
def networks() -> ScriptedNetworks:
    return ScriptedNetworks()


@pytest.fixture
def judge(store: RunStore, networks: ScriptedNetworks) -> DrawingJudge:
    return DrawingJudge(store, cast("InferenceClient", networks))


def add_run(store: RunStore, status: RunStatus = RunStatus.COMPLETED) -> Run:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.record_file(run, RunFile(f"models/run-{run.id}.pt", FileKind.MODEL, 9, "f" * 64))
    if status.is_finished:
        store.trainer_writes.finish_run(run, status)
    return run


def get(store: RunStore, judge: DrawingJudge, query: str = "") -> Any:
    return json_of(fetch(Starlette(routes=DrawingRoutes(store, judge).routes()), f"/drawings.json{query}"))


def test_a_run_that_is_asked_about_reads_what_it_has_not(
    store: RunStore, judge: DrawingJudge, networks: ScriptedNetworks
) -> None:
    run = add_run(store, RunStatus.RUNNING)
    store.drawings.keep(KeptDrawing(FOUR, 4, "mine"))
    content = get(store, judge, f"?runs={run.id}")
    image = base64.b64encode(FOUR).decode()
    assert content["drawings"] == [{"id": 1, "name": "mine", "label": 4, "image": image}]
    assert content["readings"] == [{"run": run.id, "digits": {"1": 4}}]
    store.drawings.keep(KeptDrawing(NINE, 4))
    assert get(store, judge, f"?runs={run.id}")["readings"] == [{"run": run.id, "digits": {"1": 4, "2": 9}}]
    assert get(store, judge)["scores"] == {str(run.id): [1, 2]}
    assert networks.questions == [(run.id, 1), (run.id, 1)]


def test_a_run_that_cannot_read_says_why_beside_one_that_can(
    store: RunStore, judge: DrawingJudge, networks: ScriptedNetworks
) -> None:
    first, second = add_run(store), add_run(store)
    networks.errors[first.id] = InferenceError("The weights of run-1 are gone.")
    store.drawings.keep(KeptDrawing(FOUR, 4))
    assert get(store, judge, "?runs=1,2")["readings"] == [
        {"run": first.id, "problem": "The weights of run-1 are gone."},
        {"run": second.id, "digits": {"1": 4}},
    ]


@pytest.mark.parametrize("query", ["?runs=", "?runs=a", "?runs=1,2,3,4,5"])
def test_other_queries_are_refused(store: RunStore, judge: DrawingJudge, query: str) -> None:
    response = fetch(Starlette(routes=DrawingRoutes(store, judge).routes()), f"/drawings.json{query}")
    assert response.status == 400
    assert b"runs must be 1 to 4 numbers" in response.body


def test_finished_runs_read_by_and_by_and_those_that_cannot_are_not_asked_again(
    store: RunStore, judge: DrawingJudge, networks: ScriptedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drawing_judge, "RUNS_AT_ONCE", 2)
    for _ in range(3):
        add_run(store)
    asyncio.run(judge.judge_unread())
    assert networks.questions == []
    store.drawings.keep(KeptDrawing(FOUR, 4))
    networks.errors[3] = InferenceError("The weights of run-3 are gone.")
    for _ in range(3):
        asyncio.run(judge.judge_unread())
    assert networks.questions == [(3, 1), (2, 1), (1, 1)]
    assert store.readings.scores() == {1: DrawingScore(1, 1), 2: DrawingScore(1, 1)}


def test_busy_networks_are_asked_again_later(store: RunStore, judge: DrawingJudge, networks: ScriptedNetworks) -> None:
    run = add_run(store)
    store.drawings.keep(KeptDrawing(FOUR, 4))
    networks.errors[run.id] = InferenceUnavailableError("The networks are busy.")
    asyncio.run(judge.judge_unread())
    assert store.readings.scores() == {}
    networks.errors.clear()
    asyncio.run(judge.judge_unread())
    assert store.readings.scores() == {run.id: DrawingScore(1, 1)}
