"""A small reverse proxy, which forwards each connection from an address of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

ADDRESS = "127.0.0.9"
"""Where the proxy connects from, as if it were in another container."""


@asynccontextmanager
async def reverse_proxy(port: int, headers: Mapping[str, str], address: str = ADDRESS) -> AsyncIterator[int]:
    """Forward requests to the server on `port`; yields the port of the proxy.

    `headers` replace those of the same names, or are added. WebSockets pass, too.
    """

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            request, *lines = head.rstrip("\r\n").split("\r\n")
            kept = [line for line in lines if line.partition(":")[0].lower() not in {name.lower() for name in headers}]
            if "upgrade:" not in head.lower():
                kept = [*(line for line in kept if not line.lower().startswith("connection:")), "Connection: close"]
            own = [f"{name}: {value}" for name, value in headers.items()]
            there, back = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
            back.write("\r\n".join([request, *kept, *own, "", ""]).encode("latin-1"))
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))

    proxy = await asyncio.start_server(forward, "127.0.0.1", 0)
    async with proxy:
        yield proxy.sockets[0].getsockname()[1]


async def _pipe(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(1 << 16):
            target.write(data)
            await target.drain()
    target.close()
