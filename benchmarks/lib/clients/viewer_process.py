"""A process that simulates many viewers: clients of the live feed that read server-sent events and draw nothing.

It reads a `Crowd` from standard input as one line of JSON, and prints a line of JSON when all viewers have the run's
history. When standard input is closed, it prints another line with what the viewers saw. `viewers.py` starts it.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import socket
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

from mnist_core.records import RunStatus

RECEIVE_BUFFER_BYTES = 4_000_000
"""Socket buffer of a viewer that reads only after the run; the system may allow less."""

RUN_END_SECONDS = 10.0
"""How long deferred viewers may take to read the end of the run."""

STAY_SECONDS = (1.0, 20.0)
SLEEP_SECONDS = (2.0, 20.0)
"""How long a viewer of a churning crowd stays, and how long it is away, at random."""


@dataclass(frozen=True)
class Crowd:
    """The viewers to simulate."""

    port: int
    run_id: int
    viewers: int
    join_seconds: float = 0.0
    """They join at random moments of this interval."""
    niceness: int = 0
    is_churning: bool = False
    """Whether they leave, sleep, reload and come back until the end."""
    reads_later: bool = False
    """Whether they leave what follows the history in their sockets until the measurement is over.

    They then take nothing from the cores of the server, like viewers on other machines.
    """


@dataclass
class Viewer:
    """One client of the live feed."""

    crowd: Crowd
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    last_event_id: str = ""
    step_events: list[tuple[float, bytes]] = field(default_factory=list)
    """Unix time and data of each `steps` event."""
    transport: asyncio.ReadTransport | None = None

    async def events(self) -> AsyncIterator[tuple[str, bytes]]:
        """Yield kind and data of every event of one connection. Raises OSError or EOFError when the feed ends."""
        reader, writer = await asyncio.open_connection("localhost", self.crowd.port)
        self.transport = cast("asyncio.ReadTransport", writer.transport)
        if self.crowd.reads_later:
            buffer_size = socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES
            writer.get_extra_info("socket").setsockopt(*buffer_size)
        try:
            writer.write(self._request())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(head.decode())
            while size := int(await reader.readline() or b"0", 16):
                chunk = await reader.readexactly(size + 2)  # the server puts whole events into each chunk
                for event in chunk.replace(b"\r\n", b"\n").strip().split(b"\n\n"):
                    fields = dict(line.split(b": ", 1) for line in event.splitlines())
                    self.last_event_id = fields.get(b"id", b"").decode() or self.last_event_id
                    yield fields[b"event"].decode(), fields[b"data"]
            raise EOFError("the feed ended")
        finally:
            writer.close()

    def _request(self) -> bytes:
        port = self.crowd.port
        last_header = f"Last-Event-ID: {self.last_event_id}" if self.last_event_id else "Accept: text/event-stream"
        return (
            f"GET /live?runs={self.crowd.run_id}&smoothing=0.95 HTTP/1.1\r\nHost: localhost:{port}\r\n"
            f"Cookie: mnist_viewer_{port}={self.name}\r\n{last_header}\r\n\r\n"
        ).encode()

    async def watch(self, joined: asyncio.Future[float]) -> None:
        """Read until cancelled, or with `reads_later` until the run ends.

        Sets `joined` to the seconds until the history came.
        """
        began = time.perf_counter()
        async for kind, data in self.events():
            if kind == "history" and not joined.done():
                joined.set_result(time.perf_counter() - began)
                if self.crowd.reads_later and self.transport:
                    self.transport.pause_reading()
            elif kind == "run" and self.crowd.reads_later and _is_end_of(self.crowd.run_id, data):
                return
            elif kind == "steps" and not self.crowd.is_churning:
                self.step_events.append((time.time(), data))

    def arrivals(self) -> list[tuple[int, float]]:
        """Return the last step of every `steps` event, and the Unix time at which it came."""
        events = ((json.loads(data), arrived_at) for arrived_at, data in self.step_events)
        return [(event["first"] + len(event["loss"]) - 1, arrived_at) for event, arrived_at in events]


def _is_end_of(run_id: int, data: bytes) -> bool:
    """Return whether the data of a `run` event says that this run has ended."""
    summary = json.loads(data)
    return bool(summary["id"] == run_id and RunStatus(summary["status"]).is_finished)


async def simulate(viewer: Viewer, joined: asyncio.Future[float], errors: list[str]) -> None:
    """Run one viewer from its arrival to the end of the measurement."""
    try:
        await asyncio.sleep(random.uniform(0, viewer.crowd.join_seconds))
        if viewer.crowd.is_churning:
            await come_and_go(viewer, joined)
        else:
            await viewer.watch(joined)
    except (OSError, EOFError, ValueError, KeyError) as error:
        errors.append(repr(error))
        if not joined.done():
            joined.set_result(float("nan"))


async def come_and_go(viewer: Viewer, joined: asyncio.Future[float]) -> None:
    """Watch for a while, then reload the page, sleep and resume, or leave and let another viewer come; and so on."""
    while True:
        try:
            async with asyncio.timeout(random.uniform(*STAY_SECONDS)):
                await viewer.watch(joined)
        except TimeoutError:
            action = random.choice(("reload", "sleep", "leave"))
            if action != "reload":
                await asyncio.sleep(random.uniform(*SLEEP_SECONDS))
            if action != "sleep":
                viewer.last_event_id = ""
            if action == "leave":
                viewer.name = secrets.token_hex(8)


async def main() -> None:
    crowd = Crowd(**json.loads(await asyncio.to_thread(sys.stdin.readline)))
    os.nice(crowd.niceness)
    viewers = [Viewer(crowd) for _ in range(crowd.viewers)]
    joined = [asyncio.get_running_loop().create_future() for _ in viewers]
    errors: list[str] = []
    tasks = [
        asyncio.create_task(simulate(viewer, future, errors)) for viewer, future in zip(viewers, joined, strict=True)
    ]
    print(json.dumps({"joined": await asyncio.gather(*joined), "errors": errors}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    if crowd.reads_later:
        for viewer in viewers:
            if viewer.transport:
                viewer.transport.resume_reading()
        _, pending = await asyncio.wait(tasks, timeout=RUN_END_SECONDS)
        errors += ["did not hear the end of the run"] * len(pending)
    error_count = len(errors)  # cancelling may add more
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps({"errors": errors[:error_count], "arrived": [viewer.arrivals() for viewer in viewers]}))


if __name__ == "__main__":
    asyncio.run(main())
