"""A process full of viewers: clients of the live feed that read server-sent events as a browser does, and draw nothing.

It reads one line of JSON, an `Order`, answers with one when all viewers have their history, and with another when its
standard input is closed. `viewers.py` starts it.
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

WAITING_BYTES = 4_000_000
"""How much a socket of a viewer elsewhere is to hold; the system may allow less."""

WAKING_SECONDS = 10.0
STAY_SECONDS = (1.0, 20.0)
SLEEP_SECONDS = (2.0, 20.0)
"""How long a viewer of a churning crowd stays, and how long one that left, or whose lid is closed, is away."""


@dataclass(frozen=True)
class Order:
    """What `viewers.py` asks for."""

    port: int
    run: int
    viewers: int
    within: float = 0.0
    """They join at random moments of so many seconds."""
    niceness: int = 0
    churn: bool = False
    """Whether they leave, sleep, reload and come back, until the end."""
    elsewhere: bool = False
    """Whether they cost these cores nothing, as on other machines: what comes after the history waits in their sockets,
    and is read when the measurement is over.
    """


@dataclass
class Viewer:
    order: Order
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    last_id: str = ""
    steps: list[tuple[float, bytes]] = field(default_factory=list)
    transport: asyncio.ReadTransport | None = None

    async def events(self) -> AsyncIterator[tuple[str, bytes]]:
        """Kind and data of every event of one connection; a feed that ends or refuses raises OSError or EOFError."""
        reader, writer = await asyncio.open_connection("localhost", self.order.port)
        self.transport = cast("asyncio.ReadTransport", writer.transport)
        if self.order.elsewhere:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, WAITING_BYTES)
        try:
            writer.write(
                f"GET /live?runs={self.order.run}&smoothing=0.95 HTTP/1.1\r\nHost: localhost:{self.order.port}\r\n"
                f"Cookie: mnist_viewer_{self.order.port}={self.name}\r\n"
                f"{f'Last-Event-ID: {self.last_id}' if self.last_id else 'Accept: text/event-stream'}\r\n\r\n".encode()
            )
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200 "):
                raise ConnectionError(head.decode())
            while size := int(await reader.readline() or b"0", 16):
                chunk = await reader.readexactly(size + 2)  # the server puts whole events into each
                for event in chunk.replace(b"\r\n", b"\n").strip().split(b"\n\n"):
                    fields = dict(line.split(b": ", 1) for line in event.splitlines())
                    self.last_id = fields.get(b"id", b"").decode() or self.last_id
                    yield fields[b"event"].decode(), fields[b"data"]
            raise EOFError("the feed ended")
        finally:
            writer.close()

    async def watch(self, joined: asyncio.Future[float]) -> None:
        """Read until cancelled, elsewhere to the end of the run; `joined` gets the seconds until the history came."""
        began = time.perf_counter()
        async for kind, data in self.events():
            if kind == "history" and not joined.done():
                joined.set_result(time.perf_counter() - began)
                if self.order.elsewhere and self.transport:
                    self.transport.pause_reading()
            elif kind == "run" and self.order.elsewhere and ends(data, self.order.run):
                return
            elif kind == "steps" and not self.order.churn:
                self.steps.append((time.time(), data))

    def arrived(self) -> list[tuple[int, float]]:
        """The last step of every event, and when it came."""
        parsed = ((json.loads(data), at) for at, data in self.steps)
        return [(steps["first"] + len(steps["loss"]) - 1, at) for steps, at in parsed]


def ends(summary: bytes, run: int) -> bool:
    """Whether a `run` event says that this one is over."""
    said = json.loads(summary)
    return bool(said["id"] == run and RunStatus(said["status"]).is_finished)


async def stay(viewer: Viewer, joined: asyncio.Future[float], errors: list[str]) -> None:
    """One viewer from its arrival to the end of the measurement."""
    try:
        await asyncio.sleep(random.uniform(0, viewer.order.within))
        if not viewer.order.churn:
            await viewer.watch(joined)
            return
        while True:
            try:
                async with asyncio.timeout(random.uniform(*STAY_SECONDS)):
                    await viewer.watch(joined)
            except TimeoutError:
                habit = random.choice(("reload", "sleep", "leave"))
                if habit != "reload":
                    await asyncio.sleep(random.uniform(*SLEEP_SECONDS))
                if habit != "sleep":
                    viewer.last_id = ""
                if habit == "leave":
                    viewer.name = secrets.token_hex(8)  # somebody else comes
    except (OSError, EOFError, ValueError, KeyError) as error:
        errors.append(repr(error))
        if not joined.done():
            joined.set_result(float("nan"))


async def main() -> None:
    order = Order(**json.loads(await asyncio.to_thread(sys.stdin.readline)))
    os.nice(order.niceness)
    viewers = [Viewer(order) for _ in range(order.viewers)]
    joined = [asyncio.get_running_loop().create_future() for _ in viewers]
    errors: list[str] = []
    tasks = [asyncio.create_task(stay(viewer, future, errors)) for viewer, future in zip(viewers, joined, strict=True)]
    print(json.dumps({"joined": await asyncio.gather(*joined), "errors": errors}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for viewer in viewers:
        if order.elsewhere and viewer.transport:
            viewer.transport.resume_reading()
    if order.elsewhere:
        _, deaf = await asyncio.wait(tasks, timeout=WAKING_SECONDS)
        errors += ["did not hear the end of the run"] * len(deaf)
    ended = len(errors)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps({"errors": errors[:ended], "arrived": [viewer.arrived() for viewer in viewers]}))


if __name__ == "__main__":
    asyncio.run(main())
