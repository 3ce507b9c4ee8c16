"""The client of the inference process: restarts what was killed or hangs, refuses what is too much, leaves nothing."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from mnist_core.errors import InferenceError, InferenceUnavailableError
from mnist_core.inference import client
from mnist_core.inference.client import InferenceClient
from mnist_core.system.paths import ROOT

pytestmark = pytest.mark.fault

QUICK = {"ask": "length", "run": 1}


class Harness:
    """A client over scripted processes."""

    def __init__(self) -> None:
        self.client = InferenceClient(self._launch)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.arguments: list[str] = []

    def _launch(self, argument: str) -> None:
        self.arguments.append(argument)
        command = [sys.executable, "-m", "tests.inference.scripted_process", argument]
        self.processes.append(subprocess.Popen(command, cwd=ROOT))

    async def ask(self, question: dict[str, Any], body: bytes = b"", *, is_batch: bool = False) -> dict[str, int]:
        answer: dict[str, int] = json.loads(await self.client.ask(question, body, is_batch=is_batch))
        return answer

    def run(self, scenario: Callable[[], Awaitable[None]]) -> None:
        async def run() -> None:
            try:
                await scenario()
            finally:
                self.client.close()

        asyncio.run(run())
        for process in self.processes:
            process.wait(timeout=10)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def test_questions_are_answered_by_one_process_with_their_bytes(harness: Harness) -> None:
    async def scenario() -> None:
        answers = await asyncio.gather(*(harness.ask(QUICK, bytes(size)) for size in (0, 784, 2_000_000)))
        assert [answer["length"] for answer in answers] == [0, 784, 2_000_000]
        assert {answer["pid"] for answer in answers} == {harness.processes[0].pid}
        assert len(harness.processes) == 1

    harness.run(scenario)


def test_short_questions_do_not_wait_for_long_ones(harness: Harness) -> None:
    async def scenario() -> None:
        long = asyncio.create_task(harness.ask({"ask": "sleep", "run": 2, "seconds": 60}, is_batch=True))
        assert (await harness.ask(QUICK))["length"] == 0
        assert not long.done()
        long.cancel()

    harness.run(scenario)
    assert sorted(argument.split()[0] for argument in harness.arguments) == ["0", "5"]


def test_a_question_during_which_the_process_is_killed_is_asked_again_once(harness: Harness, tmp_path: Path) -> None:
    async def scenario() -> None:
        answer = await harness.ask({"ask": "die once", "run": 2, "mark": str(tmp_path / "mark")}, b"abc")
        assert answer == {"pid": harness.processes[1].pid, "length": 3}
        with pytest.raises(InferenceUnavailableError, match="was killed twice on this question"):
            await harness.ask({"ask": "die", "run": 2})
        assert len(harness.processes) == 3
        assert (await harness.ask(QUICK))["pid"] == harness.processes[3].pid

    harness.run(scenario)


def test_a_process_that_was_killed_while_nobody_asked_is_started_again(harness: Harness) -> None:
    async def scenario() -> None:
        await harness.ask(QUICK)
        harness.processes[0].kill()
        harness.processes[0].wait()
        assert (await harness.ask(QUICK))["pid"] == harness.processes[1].pid

    harness.run(scenario)


@pytest.mark.parametrize("question", [{"ask": "sleep", "run": 2, "seconds": 60}, {"ask": "stop", "run": 2}])
def test_a_process_that_hangs_or_is_stopped_is_killed_at_the_deadline(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, question: dict[str, Any]
) -> None:
    async def scenario() -> None:
        await harness.ask(QUICK)
        monkeypatch.setattr(client, "QUICK_SECONDS", 0.2)
        with pytest.raises(InferenceUnavailableError, match=r"took more than 0\.2 s and was given up"):
            await harness.ask(question)
        monkeypatch.setattr(client, "QUICK_SECONDS", 10.0)
        with pytest.raises(InferenceUnavailableError, match="Try again in a minute"):  # that run is not asked at once
            await harness.ask({**QUICK, "run": 2})
        assert len(harness.processes) == 1
        assert (await harness.ask(QUICK))["pid"] == harness.processes[1].pid
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: time.monotonic() + client.REST_SECONDS)
        assert (await harness.ask({**QUICK, "run": 2}))["pid"] == harness.processes[1].pid
        monkeypatch.undo()

    harness.run(scenario)
    assert harness.processes[0].returncode == -signal.SIGKILL


def test_a_question_that_waits_too_long_is_told_so_and_costs_the_others_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        first = asyncio.create_task(harness.ask({"ask": "sleep", "run": 2, "seconds": 0.5}))
        await asyncio.sleep(0)
        monkeypatch.setattr(client, "QUICK_SECONDS", 0.05)
        with pytest.raises(InferenceUnavailableError, match="busy with other questions"):
            await harness.ask(QUICK)
        assert (await first)["length"] == 0

    harness.run(scenario)


def test_only_so_many_questions_wait(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MAX_WAITING", 3)

    async def scenario() -> None:
        waiting = [asyncio.create_task(harness.ask(QUICK)) for _ in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(InferenceUnavailableError, match="Too many people"):
            await harness.ask(QUICK)
        await asyncio.gather(*waiting)
        assert (await harness.ask(QUICK))["length"] == 0

    harness.run(scenario)


def test_somebody_who_leaves_does_not_disturb_the_next(harness: Harness) -> None:
    async def scenario() -> None:
        left = asyncio.create_task(harness.ask({"ask": "sleep", "run": 2, "seconds": 0.1}, b"for the one who left"))
        while not harness.client._quick._turn.locked():
            await asyncio.sleep(0)
        left.cancel()
        assert (await harness.ask(QUICK, b"12"))["length"] == 2
        assert len(harness.processes) == 1

    harness.run(scenario)


def test_nobody_waits_for_an_answer_when_the_server_closes(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "CLOSING_POLL_SECONDS", 0.01)
    closing: list[bool] = []
    harness.client = InferenceClient(harness._launch, is_closing=lambda: bool(closing))

    async def scenario() -> None:
        waiting = asyncio.create_task(harness.ask({"ask": "sleep", "run": 2, "seconds": 60}))
        while not harness.processes:
            await asyncio.sleep(0)
        closing.append(True)
        with pytest.raises(InferenceUnavailableError, match="The server is closing"):
            await waiting

    harness.run(scenario)


def test_a_refusal_is_told_in_its_words(harness: Harness) -> None:
    async def scenario() -> None:
        with pytest.raises(InferenceError, match=r"^It has no weights\.$"):
            await harness.ask({"ask": "refuse", "run": 2})
        assert (await harness.ask(QUICK))["pid"] == harness.processes[0].pid

    harness.run(scenario)


def test_an_idle_process_ends_and_another_answers_the_next_question(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "IDLE_SECONDS", 0.05)

    async def scenario() -> None:
        await harness.ask(QUICK)
        await asyncio.to_thread(harness.processes[0].wait, 10)
        assert (await harness.ask(QUICK))["pid"] == harness.processes[1].pid

    harness.run(scenario)


def test_a_process_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "START_SECONDS", 0.05)

    async def scenario() -> None:
        with pytest.raises(InferenceUnavailableError, match="could not be started; the terminal says why"):
            await InferenceClient(lambda _argument: None).ask(QUICK)

    asyncio.run(scenario())


def test_nothing_is_left_in_the_temporary_folder(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    async def scenario() -> None:
        await harness.ask(QUICK)
        assert not list(tmp_path.iterdir())

    harness.run(scenario)
