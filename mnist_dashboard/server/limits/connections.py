"""Limits on connections before the app sees a request: how many there are, and how long a request may take to arrive.

Uvicorn has no limit on either. Each connection takes one of the files that the system lets a process open. When they
run out, nobody can connect, and the store cannot be opened either. `limit_connections` makes uvicorn use the two
protocols below, which count their connections in `OPEN_CONNECTIONS`.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import h11
import uvicorn.config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mnist_dashboard.server.limits.page_messages import MAX_OWNER_BYTES
from mnist_dashboard.server.limits.sources import source_of

REQUEST_SECONDS = 10.0
"""Time for the head of a request to arrive, also of the next one on the same connection."""

MESSAGE_SECONDS = 10.0
"""Time for a message of a WebSocket to arrive whole."""

MAX_CONNECTIONS_PER_SOURCE = 256
"""A page takes two for good and six more while it loads."""

SPARE_FILES = 64
"""Files that connections leave for the store, exports, new trainers, and the owner."""

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
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    folder = "/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd"
    return soft - len(list(Path(folder).iterdir())) - SPARE_FILES


class OpenConnections:
    """All connections by their source, oldest first. Use it in the event loop's thread."""

    def __init__(self) -> None:
        self._by_source: dict[str, OrderedDict[Client, HttpConnection | WebSocketConnection]] = {}
        self._owners: set[Client] = set()
        self.is_proxy: Callable[[str], bool] = lambda _address: False
        """Whether an address is that of a named proxy, whose connections come from many sources."""

    def add(self, client: Client, connection: HttpConnection | WebSocketConnection) -> bool:
        """Whether there is room for a connection. If so, it counts until `remove`.

        When room is short, an idle connection of the source with the most connections makes room.
        """
        source = source_of(client[0])
        own = self._by_source.setdefault(source, OrderedDict())
        is_full = len(own) >= MAX_CONNECTIONS_PER_SOURCE and not self.is_proxy(client[0])
        if is_full and not self._close_one(own):
            return False
        if free_files() <= 0:
            greediest = max(self._by_source.values(), key=len)
            if not (self._close_one(greediest) or (greediest is not own and self._close_one(greediest, idle=False))):
                return False
        own[client] = connection
        return True

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
        if self.client and not OPEN_CONNECTIONS.add(self.client, self):
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


def limit_connections(is_proxy: Callable[[str], bool] = lambda _address: False) -> None:
    """Have uvicorn, which Streamlit starts, use the protocols of this module. Call it before the server starts.

    `is_proxy` tells the addresses of proxies, which may have any number of connections.
    """
    raise_file_limit()
    OPEN_CONNECTIONS.is_proxy = is_proxy
    # Otherwise uvicorn replaces address and scheme by what forwarding headers say, in every request from loopback. It
    # has read its setting, FORWARDED_ALLOW_IPS, before it loads the app.
    vars(uvicorn.config)["ProxyHeadersMiddleware"] = lambda app, trusted_hosts: app
    uvicorn.config.HTTP_PROTOCOLS["auto"] = f"{__name__}:{HttpConnection.__name__}"
    for name in ("auto", "websockets-sansio"):
        uvicorn.config.WS_PROTOCOLS[name] = f"{__name__}:{WebSocketConnection.__name__}"
