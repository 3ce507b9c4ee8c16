"""A program that floods a server in one way, from loopback addresses only, for a bounded time.

    python -m benchmarks.lib.clients.flooder KIND PORT SECONDS

It runs at the lowest priority, and spends little processor time itself, like a program on another machine. At the end
it prints the processor time that it has used.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from streamlit.proto.BackMsg_pb2 import BackMsg

from benchmarks.lib.clients.page_client import PageClient, rerun_message, viewer_address
from mnist_dashboard.server.limits.connections import REQUEST_SECONDS

SOURCES = 5
"""Addresses that the flood comes from."""

PAGES_PER_SOURCE = 10

HALF_REQUESTS_PER_SOURCE = 200

REPEAT_SECONDS = 1.0
"""Pause before a connection that the server has closed is opened again."""

REQUESTS_PER_SECOND = 20.0
"""Requests of each source at each of its connections."""

LOWEST_PRIORITY = 19


class Flooder:
    """Sends what one kind of flood sends, again and again: when the server closes a connection, it opens the next."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.random = random.Random(1)

    async def sockets(self, address: str, next_message: Callable[[], bytes], pause: float) -> None:
        """Keep a page's socket open, and send a message every `pause` seconds."""
        page = PageClient(self.port, address)
        socket = await page.open_socket()
        drain = asyncio.create_task(page.drain_socket())
        try:
            while True:
                await socket.send(next_message())
                await asyncio.sleep(pause)
        finally:
            drain.cancel()
            await page.close()

    async def git(self, address: str) -> None:
        await self.sockets(address, BackMsg(load_git_info=True).SerializeToString, 0.0)

    async def urls(self, address: str) -> None:
        message = BackMsg()
        message.file_urls_request.file_names.extend([""] * 500_000)
        await self.sockets(address, message.SerializeToString, 0.5)

    async def reruns(self, address: str) -> None:
        numbers = itertools.count()
        await self.sockets(address, lambda: rerun_message(f"run={next(numbers)}").SerializeToString(), 1 / 17)

    async def forged(self, address: str) -> None:
        def message() -> bytes:
            forged = rerun_message()
            for _ in range(50):
                state = forged.rerun_script.widget_states.widgets.add(id=f"$$ID-{self.random.random()}-smoothing")
                self.random.choice([self._number, self._text, self._json])(state)
            data: bytes = forged.SerializeToString()
            return data

        await self.sockets(address, message, 1 / 17)

    def _number(self, state: object) -> None:
        state.double_array_value.data.extend([1e308, -1.0])  # type: ignore[attr-defined]

    def _text(self, state: object) -> None:
        state.string_value = "x" * 500  # type: ignore[attr-defined]

    def _json(self, state: object) -> None:
        state.json_trigger_value = '{"selected": [' * 100  # type: ignore[attr-defined]

    async def frames(self, address: str) -> None:
        """Begin a message and never end it."""
        page = PageClient(self.port, address)
        socket = await page.open_socket()
        try:
            socket.transport.write(b"\x82\xff" + (500_000).to_bytes(8, "big") + b"\0\0\0\0" + b"x" * 400_000)
            await socket.wait_closed()
        finally:
            await page.close()

    async def half_requests(self, address: str) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            async with asyncio.timeout(2 * REQUEST_SECONDS):
                while not reader.at_eof():
                    writer.write(b"x")
                    await asyncio.sleep(1)
                    with suppress(TimeoutError):
                        async with asyncio.timeout(0.001):
                            await reader.read(100)
        finally:
            writer.close()

    async def requests(self, address: str) -> None:
        page = PageClient(self.port, address)
        while True:
            await page.get("/")
            await asyncio.sleep(1 / REQUESTS_PER_SECOND)

    async def streams(self, address: str) -> None:
        page = PageClient(self.port, address)
        smoothing = self.random.random() * 0.99
        await page.follow(f"runs=1,2&smoothing={smoothing}")
        await page.close()

    async def connections(self, address: str) -> None:
        _reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(address, 0))
        writer.transport.abort()


KINDS: dict[str, tuple[Callable[[Flooder, str], Awaitable[None]], int]] = {
    "git": (Flooder.git, PAGES_PER_SOURCE),
    "urls": (Flooder.urls, 2),
    "reruns": (Flooder.reruns, PAGES_PER_SOURCE),
    "forged": (Flooder.forged, PAGES_PER_SOURCE),
    "frames": (Flooder.frames, PAGES_PER_SOURCE),
    "half-requests": (Flooder.half_requests, HALF_REQUESTS_PER_SOURCE),
    "requests": (Flooder.requests, PAGES_PER_SOURCE),
    "streams": (Flooder.streams, PAGES_PER_SOURCE),
    "connections": (Flooder.connections, PAGES_PER_SOURCE),
}
"""Each kind, and how many of it run at once for each source."""


async def repeat(flood: Callable[[], Awaitable[None]]) -> None:
    while True:
        with suppress(Exception):
            async with asyncio.timeout(30):
                await flood()
        await asyncio.sleep(REPEAT_SECONDS)


def take_lowest_priority() -> None:
    """Give way to all other programs, also where Linux shares the processor between sessions first (sched(7))."""
    os.setsid()
    os.nice(LOWEST_PRIORITY)
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(LOWEST_PRIORITY))


async def main() -> None:
    kind, port, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    take_lowest_priority()
    flooder = Flooder(port)
    flood, at_once = KINDS[kind]
    addresses = [viewer_address(1000 + number % SOURCES) for number in range(SOURCES * at_once)]
    tasks = [asyncio.create_task(repeat(lambda at=address: flood(flooder, at))) for address in addresses]  # type: ignore[misc]
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    print(time.process_time())


if __name__ == "__main__":
    asyncio.run(main())
