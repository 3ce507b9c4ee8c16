"""Asks the inference process from the server's event loop: starts it, restarts it, and ends it. Does not import torch.

Questions wait in the server, so that a process has one at a time: one that takes too long, such as that of a network
which sleeps, is known, and costs the others no more than its deadline. Short questions and those that pass a whole
split through a network have a process each, so that a drawing never waits for a map.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_core.errors import InferenceError, InferenceUnavailableError
from mnist_core.inference.frames import Frame, encode_frame, receive_frame
from mnist_core.records import ProcessIdentity
from mnist_core.system.processes import identify, send_signal

INFERENCE_RUN_ID = -1
"""Run id that no run has. The supervisor sends it to the fork server to request an inference process."""

QUICK_SECONDS, BATCH_SECONDS = 5.0, 20.0
"""Deadlines of short questions and of those about a whole split: for the wait, and again for the answer."""

MAX_WAITING = 64
"""Maximum number of questions of a kind that wait or are being answered."""

START_SECONDS = 20.0
"""Deadline for a process to start. The fork server takes seconds only while it has just started itself."""

REST_SECONDS = 30.0
"""A run whose network took too long is not asked again for this time, so that others are answered meanwhile."""

CLOSING_POLL_SECONDS = 0.25
"""Time between two looks whether the server closes."""

IDLE_SECONDS = 300.0
"""A process that nobody has asked for this long is ended."""

BATCH_NICENESS = 5
"""Added to the nice(1) value of the process for batch work: a trainer on the same core keeps three quarters of it."""

Launch = Callable[[str], object]
"""Has an inference process started; see `process.serve` for the argument."""


class InferenceClient:
    """Answers questions about the networks of runs. Use it in the thread of one event loop.

    Nobody waits any longer once `is_closing` returns true: a server closes only when all its requests are answered.
    """

    def __init__(self, launch: Launch, is_closing: Callable[[], bool] = lambda: False) -> None:
        self._quick = _Lane(launch, 0)
        self._batch = _Lane(launch, BATCH_NICENESS)
        self._is_closing = is_closing

    async def ask(self, question: Mapping[str, Any], body: bytes = b"", *, is_batch: bool = False) -> bytes:
        """Return the answer to a question, as JSON; see `answers` for the questions.

        Raises `InferenceError` with a sentence for the person who asked, and `InferenceUnavailableError` if asking
        again later may help.
        """
        lane, deadline = (self._batch, BATCH_SECONDS) if is_batch else (self._quick, QUICK_SECONDS)
        answer = lane.ask(question["run"], encode_frame(question, body), deadline)
        while not answer.done():
            await asyncio.wait({answer}, timeout=CLOSING_POLL_SECONDS)  # does not end the question if the asker leaves
            if self._is_closing():
                raise InferenceUnavailableError("The server is closing.")
        return answer.result()

    def close(self) -> None:
        """End the processes; no other is started."""
        self._quick.close()
        self._batch.close()


@dataclass(frozen=True)
class _Process:
    """A running inference process."""

    identity: ProcessIdentity | None
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def exchange(self, frame: bytes) -> Frame:
        self.writer.write(frame)
        await self.writer.drain()
        return await receive_frame(self.reader)

    def end(self) -> None:
        """Kill it: it keeps nothing, and may be busy or stopped."""
        self.writer.close()
        if self.identity:
            send_signal(self.identity, signal.SIGKILL)


class _Lane:
    """The questions for one process, which is started when there is one."""

    def __init__(self, launch: Launch, niceness: int) -> None:
        self._launch = launch
        self._niceness = niceness
        self._process: _Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._rests_until: dict[int, float] = {}
        """Time of the event loop from which a run is asked again whose network took too long."""
        self._idle_timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def ask(self, run_id: int, frame: bytes, deadline: float) -> asyncio.Task[bytes]:
        """Return a task for the body of the answer. Raises `InferenceUnavailableError` if too many wait."""
        if self._waiting >= MAX_WAITING or self._is_closed:
            raise InferenceUnavailableError("Too many people are asking the networks at the moment. Try again soon.")
        self._waiting += 1
        task = asyncio.create_task(self._ask_in_turn(run_id, frame, deadline))
        task.add_done_callback(self._note_done)
        return task

    def close(self) -> None:
        self._is_closed = True
        self._end_process()

    def _note_done(self, task: asyncio.Task[bytes]) -> None:
        self._waiting -= 1
        if not task.cancelled():
            task.exception()  # The asker may have left, and asyncio logs errors that nobody has seen.

    async def _ask_in_turn(self, run_id: int, frame: bytes, deadline: float) -> bytes:
        now = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout(deadline):
                await self._turn.acquire()
        except TimeoutError as error:
            raise InferenceUnavailableError(
                "The networks are busy with other questions. Try again in a few seconds."
            ) from error
        try:
            if self._rests_until.get(run_id, 0.0) > now():
                raise InferenceUnavailableError(_too_slow(deadline))
            header, body = await self._ask_process(frame, deadline)
        except _DeadlineError as error:
            self._rests_until[run_id] = now() + REST_SECONDS
            raise InferenceUnavailableError(_too_slow(deadline)) from error
        finally:
            self._turn.release()
            self._restart_idle_timer()
        if header["problem"]:
            raise InferenceError(header["problem"])
        return body

    async def _ask_process(self, frame: bytes, deadline: float) -> Frame:
        """Return the reply to a question. It is asked again once if the process ends meanwhile."""
        for _attempt in range(2):
            process = await self._running_process()
            try:
                async with asyncio.timeout(deadline):
                    return await process.exchange(frame)
            except TimeoutError as error:
                self._end_process()
                raise _DeadlineError from error
            except (EOFError, ConnectionError):
                self._end_process()
        raise InferenceUnavailableError(
            "The process that asks the networks was killed twice on this question. The system may be out of memory."
        )

    async def _running_process(self) -> _Process:
        if self._process and self._process.reader.at_eof():  # it was killed while nobody asked
            self._end_process()
        if self._is_closed:
            raise InferenceUnavailableError("The server is closing.")
        if not self._process:
            try:
                async with asyncio.timeout(START_SECONDS):
                    self._process = await self._start()
            except (TimeoutError, OSError, EOFError) as error:
                raise InferenceUnavailableError(
                    "The process that asks the networks could not be started; the terminal says why."
                ) from error
        return self._process

    async def _start(self) -> _Process:
        """Start a process, which connects to a socket that only this account can reach."""
        folder = Path(tempfile.mkdtemp(prefix="mnist-"))
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(str(folder / "socket"))
                listener.listen(1)
                listener.setblocking(False)
                self._launch(f"{self._niceness} {folder / 'socket'}")
                connection, _ = await asyncio.get_running_loop().sock_accept(listener)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        reader, writer = await asyncio.open_connection(sock=connection)
        try:
            header, _ = await receive_frame(reader)
            if self._is_closed:
                raise EOFError("The server has closed meanwhile.")
        except BaseException:
            writer.close()  # so that the process ends
            raise
        return _Process(identify(header["pid"]), reader, writer)

    def _end_process(self) -> None:
        if self._process:
            with contextlib.suppress(OSError):
                self._process.end()
            self._process = None

    def _restart_idle_timer(self) -> None:
        if self._idle_timer:
            self._idle_timer.cancel()
        self._idle_timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._end_if_idle)

    def _end_if_idle(self) -> None:
        if not self._waiting:
            self._end_process()


class _DeadlineError(Exception):
    """A process has not answered within the deadline, and was killed."""


def _too_slow(deadline: float) -> str:
    return (
        f"The answer took more than {deadline:g} s and was given up. "
        "Try again in a minute, or when this machine is less busy; a network of your own may be too slow."
    )
