"""The inference process as the fork server forks it: killed, stopped, and left alone by those that started it."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from mnist_core.errors import InferenceError
from mnist_core.inference.client import INFERENCE_RUN_ID, InferenceClient
from mnist_core.records import Run
from mnist_core.runs.own_networks import with_recorded_network
from mnist_core.scheduler.fork_client import ForkServerClient
from mnist_core.store import RunStore
from mnist_core.system.machine import has_bf16
from tests.inference.conftest import Train
from tests.support.networks import write_network
from tests.support.processes import Eventually
from tests.support.training import CONFIG

pytestmark = pytest.mark.fault

IMAGE = bytes(400) + bytes([255] * 60) + bytes(324)


@pytest.fixture
def fork_server() -> Iterator[ForkServerClient]:
    exits: list[tuple[int, int]] = []
    fork_client = ForkServerClient(lambda *ended: exits.append(ended))
    yield fork_client
    fork_client.end_trainers(signal.SIGKILL, 5.0)
    fork_client.close()
    assert {run_id for run_id, _code in exits} == {INFERENCE_RUN_ID}


def test_a_forked_process_answers_survives_kills_and_ends_with_the_fork_server(
    train: Train, fork_server: ForkServerClient, eventually: Eventually
) -> None:
    runs = [train(), train(model="compact", precision="bf16" if has_bf16() else "fp32")]
    client = InferenceClient(lambda argument: fork_server.launch(INFERENCE_RUN_ID, argument))

    async def ask(run: int, **question: Any) -> dict[str, Any]:
        body = b"" if question else IMAGE
        answer = await client.ask({"ask": "read", **question, "run": run}, body, is_batch="split" in question)
        return dict(json.loads(answer))

    def process() -> psutil.Process:
        assert client._quick._process
        assert client._quick._process.identity
        return psutil.Process(client._quick._process.identity.pid)

    async def scenario() -> None:
        read = {run.id: await ask(run.id) for run in runs}
        assert all(sum(answer["probabilities"]) == pytest.approx(1, abs=1e-3) for answer in read.values())
        for run in runs:
            assert (await ask(run.id, ask="map", step=9, split="test"))["images"] == 100
        first = process()
        first.send_signal(signal.SIGSTOP)
        waiting = asyncio.create_task(ask(runs[1].id))
        while not client._quick._turn.locked():
            await asyncio.sleep(0)
        first.kill()
        assert await waiting == read[runs[1].id]
        last = process()
        assert last != first
        last.send_signal(signal.SIGSTOP)  # it cannot notice that its connection is gone
        assert fork_server._process
        fork_server._process.kill()
        await asyncio.to_thread(eventually, lambda: not last.is_running() or last.status() == psutil.STATUS_ZOMBIE)
        client.close()

    asyncio.run(scenario())


def test_a_map_that_was_half_laid_out_is_begun_anew_by_the_next_process(
    train: Train, fork_server: ForkServerClient
) -> None:
    run = train()
    client = InferenceClient(lambda argument: fork_server.launch(INFERENCE_RUN_ID, argument))

    async def ask() -> dict[str, Any]:
        question = {"ask": "tsne", "run": run.id, "step": 9, "split": "test"}
        return dict(json.loads(await client.ask(question, is_batch=True)))

    async def ask_until_done() -> dict[str, Any]:
        while not (answer := await ask())["done"]:
            pass
        return answer

    async def scenario() -> None:
        await ask()
        process = client._batch._process
        assert process
        assert process.identity
        psutil.Process(process.identity.pid).send_signal(signal.SIGSTOP)
        waiting = asyncio.create_task(ask())
        while not client._batch._turn.locked():
            await asyncio.sleep(0)
        psutil.Process(process.identity.pid).kill()
        assert (await waiting)["images"] == 100
        assert (await ask_until_done())["progress"] == 1
        client.close()

    asyncio.run(scenario())


MOODY = """
import os, sys, time
from pathlib import Path
import torch.nn.functional as F
from torch import nn

MOOD = Path(os.environ["MNIST_RUNS_DIR"]) / "mood"


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.act("load")
        self.out = nn.Linear(784, 10)

    def act(self, when):
        mood = MOOD.read_text() if MOOD.exists() else ""
        if mood == f"print at {when}":
            print("hello " * 100_000)
        elif mood == f"sleep at {when}":
            time.sleep(60)
        elif mood == f"fail at {when}":
            raise ValueError("I would rather not")
        elif mood == f"leave at {when}":
            sys.exit("goodbye")
        elif mood == f"vanish at {when}":
            os._exit(3)

    def forward(self, images):
        self.act("forward")
        scores = self.out(images.flatten(1))
        return F.log_softmax(scores, dim=1)
"""
"""A user's own network that does what a file says."""


@pytest.mark.usefixtures("checked_here")
def test_whatever_an_own_network_does_others_are_answered(
    train: Train, store: RunStore, fork_server: ForkServerClient, places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_network(places / "networks", MOODY)
    moody = train(model=with_recorded_network(store, replace(CONFIG, model="tiny.py:Tiny")).model)
    good = train()
    client = InferenceClient(lambda argument: fork_server.launch(INFERENCE_RUN_ID, argument))

    async def ask(run: Run, mood: str = "") -> str:
        (places / "runs" / "mood").write_text(mood)
        try:
            return "" if await client.ask({"ask": "read", "run": run.id}, IMAGE) else "nothing"
        except InferenceError as error:
            return str(error)

    async def scenario() -> None:
        assert await ask(good) == ""
        assert await ask(moody, "print at load") == ""
        assert await ask(moody, "print at forward") == ""
        assert "ValueError: I would rather not" in await ask(moody, "fail at forward")
        assert "SystemExit: goodbye" in await ask(moody, "leave at forward")
        assert "killed twice on this question" in await ask(moody, "vanish at forward")
        assert "Tiny() cannot be built: ValueError in line 23: I would rather not" in await ask(moody, "fail at load")
        assert "Tiny() cannot be built: SystemExit in line 25: goodbye" in await ask(moody, "leave at load")
        assert "killed twice on this question" in await ask(moody, "vanish at load")
        for when in ("load", "forward"):
            assert await ask(good) == ""
            with monkeypatch.context() as patch:
                patch.setattr("mnist_core.inference.client.QUICK_SECONDS", 2.0)
                patch.setattr("mnist_core.inference.client.REST_SECONDS", 0.0)
                assert "took more than 2 s and was given up" in await ask(moody, f"sleep at {when}")
        assert await ask(good) == await ask(moody) == ""
        client.close()

    asyncio.run(scenario())
