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
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

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


@dataclass
class Viewer:
    order: Order
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    last_id: str = ""
    steps: list[tuple[float, bytes]] = field(default_factory=list)

    async def events(self) -> AsyncIterator[tuple[str, bytes]]:
        """Kind and data of every event of one connection; a feed that ends or refuses raises OSError or EOFError."""
        reader, writer = await asyncio.open_connection("localhost", self.order.port)
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
                event = (await reader.readexactly(size + 2)).strip()  # the server sends every event as one chunk
                fields = dict(line.split(b": ", 1) for line in event.splitlines())
                self.last_id = fields.get(b"id", b"").decode() or self.last_id
                yield fields[b"event"].decode(), fields[b"data"]
            raise EOFError("the feed ended")
        finally:
            writer.close()

    async def watch(self, joined: asyncio.Future[float]) -> None:
        """Read until cancelled; `joined` gets the seconds until the history was there."""
        began = time.perf_counter()
        async for kind, data in self.events():
            if kind == "history" and not joined.done():
                joined.set_result(time.perf_counter() - began)
            elif kind == "steps" and not self.order.churn:
                self.steps.append((time.time(), data))

    def arrived(self) -> list[tuple[int, float]]:
        """The last step of every event, and when it came."""
        parsed = ((json.loads(data), at) for at, data in self.steps)
        return [(steps["first"] + len(steps["loss"]) - 1, at) for steps, at in parsed]


async def stay(viewer: Viewer, joined: asyncio.Future[float], errors: list[str]) -> None:
    """One viewer from its arrival to the end of the measurement."""
    try:
        await asyncio.sleep(random.uniform(0, viewer.order.within))
        if not viewer.order.churn:
            await viewer.watch(joined)
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
    ended = len(errors)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps({"errors": errors[:ended], "arrived": [viewer.arrived() for viewer in viewers]}))


if __name__ == "__main__":
    asyncio.run(main())
