"""A page without a browser: its page socket and its stream of the live feed, from any loopback address.

Linux answers for all of 127.0.0.0/8, so each viewer can have an address of its own. The `Host` header names no
loopback name, so the server takes the viewer for somebody on the network.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

HOST_NAME = "dashboard.test"
"""A name for `MNIST_HOSTS` of the server."""

ANSWER_SECONDS = 60.0
"""How long a client waits for an answer."""


def viewer_address(number: int) -> str:
    """Return the loopback address of the n-th viewer; 127.0.0.1 is left to the owner."""
    return f"127.0.{1 + number // 200}.{1 + number % 200}"


def rerun_message(query: str = "") -> BackMsg:
    """Return the message with which a browser asks for a page."""
    message = BackMsg()
    message.rerun_script.query_string = query
    message.rerun_script.context_info.timezone = "UTC"
    message.rerun_script.context_info.locale = "en-US"
    message.rerun_script.context_info.url = f"http://{HOST_NAME}/"
    return message


@dataclass
class PageClient:
    """One viewer of the server on `port`."""

    port: int
    address: str
    socket: ClientConnection | None = None
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)
    bytes_received: int = 0

    @property
    def _host(self) -> str:
        return f"{HOST_NAME}:{self.port}"

    async def open_socket(self) -> ClientConnection:
        """Open the page socket. Raises `InvalidStatus` with the server's answer if it refuses."""
        self.socket = await connect(
            f"ws://{self._host}/_stcore/stream",
            host="127.0.0.1",
            port=self.port,
            local_addr=(self.address, 0),
            origin=f"http://{self._host}",  # type: ignore[arg-type]
            subprotocols=["streamlit"],  # type: ignore[list-item]
            compression=None,
            max_size=None,
            open_timeout=ANSWER_SECONDS,
            ping_interval=None,
        )
        return self.socket

    async def show(self, query: str = "") -> float:
        """Have the page drawn; returns the seconds until the last element was there."""
        assert self.socket
        began = time.perf_counter()
        await self.socket.send(rerun_message(query).SerializeToString())
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                data = await self.socket.recv()
                self.bytes_received += len(data)
                message = ForwardMsg.FromString(data)
                if message.WhichOneof("type") == "script_finished":
                    return time.perf_counter() - began

    async def follow(self, query: str = "") -> None:
        """Open the live feed and wait for its first event; then read and drop what comes."""
        status, reader = await self._request(f"/live?{query}")
        if status != 200:
            raise ConnectionError(f"the live feed answered {status}")
        async with asyncio.timeout(ANSWER_SECONDS):
            await reader.readuntil(b"data:")
        self._tasks.append(asyncio.create_task(self._drain(reader)))
        if self.socket:
            self._tasks.append(asyncio.create_task(self.drain_socket()))

    async def get(self, path: str) -> int:
        """Request a path on a connection of its own; returns the status of the response."""
        status, reader = await self._request(path, close=True)
        await reader.read()
        self._writers.pop().close()
        return status

    async def _request(self, path: str, *, close: bool = False) -> tuple[int, asyncio.StreamReader]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))
        self._writers.append(writer)
        connection = "close" if close else "keep-alive"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._host}\r\nConnection: {connection}\r\n\r\n".encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), reader

    async def _drain(self, reader: asyncio.StreamReader) -> None:
        while data := await reader.read(1 << 16):
            self.bytes_received += len(data)

    async def drain_socket(self) -> None:
        """Read and drop what the page's socket receives."""
        assert self.socket
        async for data in self.socket:
            self.bytes_received += len(data)

    async def close(self) -> None:
        """Close everything; errors of connections that the server has closed do not matter."""
        for task in self._tasks:
            task.cancel()
        for writer in self._writers:
            writer.close()
        if self.socket:
            with suppress(Exception):
                async with asyncio.timeout(1):
                    await self.socket.close()
