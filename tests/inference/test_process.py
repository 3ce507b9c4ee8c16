"""The inference process as the fork server forks it: killed, stopped, and left alone by those that started it."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from mnist_core.inference.client import INFERENCE_RUN_ID, InferenceClient
from mnist_core.scheduler.fork_client import ForkServerClient
from mnist_core.system.machine import has_bf16
from tests.inference.conftest import Train
from tests.support.processes import Eventually

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
