"""Limits on connections before the app sees a request: how many there are, and how long a request may take to arrive.

Uvicorn has no limit on either. Each connection takes one of the files that the system lets a process open. When they
run out, nobody can connect, and the store cannot be opened either. `limit_connections` makes uvicorn use the two
protocols below, which count their connections in `OPEN_CONNECTIONS`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import h11
import uvicorn
from uvicorn._types import ASGISendEvent
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mnist_dashboard.server.limits.listener import SPARE_FILES, Listener, file_limit, is_last_file
from mnist_dashboard.server.limits.page_messages import MAX_OWNER_BYTES
from mnist_dashboard.server.limits.sources import source_of

REQUEST_SECONDS = 10.0
"""Time for the head of a request to arrive, also of the next one on the same connection."""

MESSAGE_SECONDS = 10.0
"""Time for a message of a WebSocket to arrive whole."""

MAX_CONNECTIONS_PER_SOURCE = 256
"""A page takes two for good and six more while it loads."""

WANTED_FILES = 65_536

RETRY_SECONDS = 5
"""When to try again, for clients that find the server full."""

_FULL = b"The server has too many connections at the moment. Try again in a few seconds.\n"
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Type: text/plain; charset=utf-8\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (RETRY_SECONDS, len(_FULL), _FULL)
)

Client = tuple[str, int]
"""Address and port of the other end of a connection."""


def raise_file_limit() -> None:
    """Let this process open as many files as the system allows, up to `WANTED_FILES`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with suppress(ValueError, OSError):  # macOS allows less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def free_files() -> int:
    """Return how many more files this process could open, apart from `SPARE_FILES`."""
    folder = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
    return file_limit() - len(list(Path(folder).iterdir())) - SPARE_FILES


class OpenConnections:
    """All connections by their source, oldest first. Use it in the event loop's thread."""

    def __init__(self) -> None:
        self._by_source: dict[str, OrderedDict[Client, HttpConnection | WebSocketConnection]] = {}
        self._owners: set[Client] = set()
        self.is_proxy: Callable[[str], bool] = lambda _address: False
        """Whether an address is that of a named proxy, whose connections come from many sources."""

    def add(self, client: Client, connection: HttpConnection, file: int) -> bool:
        """Whether there is room for a connection, whose file has this number. If so, it counts until `remove`.

        When room is short, an idle connection of the source with the most connections makes room.
        """
        source = source_of(client[0])
        own = self._by_source.setdefault(source, OrderedDict())
        is_full = len(own) >= MAX_CONNECTIONS_PER_SOURCE and not self.is_proxy(client[0])
        if is_full and not self._close_one(own):
            return False
        if is_last_file(file, SPARE_FILES) and not self.make_room(source):
            return False
        own[client] = connection
        return True

    def make_room(self, source: str = "") -> bool:
        """Close a connection of the source that has most: the oldest idle one, or else the newest.

        Of `source` itself, only an idle one is closed. Returns False if there is none to close.
        """
        greediest = max(self._by_source, key=lambda other: len(self._by_source[other]), default=source)
        connections = self._by_source.get(greediest, OrderedDict())
        return self._close_one(connections) or (greediest != source and self._close_one(connections, idle=False))

    def replace(self, client: Client, connection: WebSocketConnection) -> None:
        """Count a connection that has become a WebSocket under the same client."""
        self._by_source.setdefault(source_of(client[0]), OrderedDict())[client] = connection

    def remove(self, client: Client) -> None:
        source = source_of(client[0])
        self._owners.discard(client)
        if own := self._by_source.get(source):
            own.pop(client, None)
        if not own:
            self._by_source.pop(source, None)

    def keep_for_owner(self, client: Client) -> None:
        """Never close this connection to make room."""
        self._owners.add(client)

    def _close_one(
        self, connections: OrderedDict[Client, HttpConnection | WebSocketConnection], *, idle: bool = True
    ) -> bool:
        """Close the oldest connection that waits for a request, or else the newest; False if there is none."""
        order = connections.items() if idle else reversed(connections.items())
        for client, connection in order:
            if client not in self._owners and (connection.is_idle or not idle):
                connection.abort()
                self.remove(client)
                return True
        return False


OPEN_CONNECTIONS = OpenConnections()
"""The connections of this process, which is one server."""


class HttpConnection(H11Protocol):
    """A connection before it becomes a WebSocket, or for good."""

    _deadline: asyncio.TimerHandle | None = None

    @property
    def is_idle(self) -> bool:
        """Whether it waits for the head of a request."""
        return self.cycle is None or self.cycle.response_complete

    def abort(self) -> None:
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        super().connection_made(transport)
        file = transport.get_extra_info("socket").fileno()
        if self.client and not OPEN_CONNECTIONS.add(self.client, self, file):
            transport.write(_REFUSAL)
            transport.close()
            return
        self._await_request()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self.client:
            OPEN_CONNECTIONS.remove(self.client)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)
        if not self.is_idle:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        self._await_request()
        super().on_response_complete()
        if not self.is_idle:  # a request was waiting already
            self._stop_waiting()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._stop_waiting()
        super().handle_websocket_upgrade(event)

    def _await_request(self) -> None:
        """Close the connection unless a request arrives in time. More data do not extend the time."""
        self._stop_waiting()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self.abort)

    def _stop_waiting(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


class WebSocketConnection(WebSocketsSansIOProtocol):
    """A connection that has become a WebSocket."""

    is_idle = False
    _deadline: asyncio.TimerHandle | None = None

    def abort(self) -> None:
        self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.conn.max_message_size = MAX_OWNER_BYTES
        if self.client:
            OPEN_CONNECTIONS.replace(self.client, self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        if self.client:
            OPEN_CONNECTIONS.remove(self.client)
        super().connection_lost(exc)

    async def send(self, message: ASGISendEvent) -> None:
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True  # uvicorn leaves that out, and logs an error after each refusal

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not (self.frames or self.conn.reader.buffer):
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(MESSAGE_SECONDS, self.abort)

    def _stop_waiting(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


def limit_connections(
    loop: asyncio.AbstractEventLoop, is_proxy: Callable[[str], bool] = lambda _address: False
) -> None:
    """Put these limits on the server that uvicorn is about to start in this loop.

    `is_proxy` tells the addresses of proxies, which may have any number of connections. Streamlit makes uvicorn's
    configuration before it loads the app, but uvicorn asks the loop for a server after the app's lifespan has begun.
    """
    raise_file_limit()
    OPEN_CONNECTIONS.is_proxy = is_proxy
    create_server = loop.create_server

    async def create_limited_server(
        create_protocol: Callable[[], asyncio.Protocol], *, sock: socket.socket | None = None, **options: Any
    ) -> Any:
        protocol = create_protocol()
        if isinstance(protocol, H11Protocol):
            _configure(protocol.config)
        if sock:
            sock = listener = Listener(fileno=os.dup(sock.fileno()))
            listener.make_room = OPEN_CONNECTIONS.make_room
        return await create_server(create_protocol, sock=sock, **options)

    vars(loop)["create_server"] = create_limited_server


def _configure(config: uvicorn.Config) -> None:
    """Change the configuration that each new connection reads."""
    config.http_protocol_class = HttpConnection
    config.ws_protocol_class = WebSocketConnection
    # It replaces address and scheme by what forwarding headers say, in every request from loopback.
    if isinstance(config.loaded_app, ProxyHeadersMiddleware):
        config.loaded_app = config.loaded_app.app
