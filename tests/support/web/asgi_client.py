"""Requests to an ASGI app from any peer address, which no socket in a test could have."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Scope

LOOPBACK, PEER = "127.0.0.1", "10.0.0.9"


@dataclass
class Response:
    status: int = 0
    headers: Headers = field(default_factory=Headers)
    body: bytes = b""
    accepted: bool = False
    """Whether a WebSocket was opened."""

    def add(self, message: Message) -> None:
        kind = message["type"].removeprefix("websocket.")
        self.accepted |= kind == "accept"
        if kind == "http.response.start":
            self.status, self.headers = message["status"], Headers(raw=message["headers"])
        elif kind == "http.response.body":
            self.body += message.get("body", b"")


def build_scope(
    path: str,
    *,
    client: str = LOOPBACK,
    host: str | None = "localhost:8501",
    method: str = "GET",
    headers: Iterable[tuple[str, str]] = (),
    websocket: bool = False,
    scheme: str = "http",
) -> Scope:
    path, _, query = path.partition("?")
    named = [("host", host)] if host is not None else []
    kind = {"type": "websocket", "scheme": "ws", "subprotocols": [], "extensions": {"websocket.http.response": {}}}
    return {
        "type": "http",
        "method": method,
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "http_version": "1.1",
        "client": (client, 50000),
        "server": ("127.0.0.1", 8501),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in [*named, *headers]],
        **(kind if websocket else {}),
    }


def fetch(app: ASGIApp, path: str, body: bytes = b"", **options: Any) -> Response:
    """Send a request with the options of `build_scope`."""
    return send_request(app, build_scope(path, **options), body)


def send_request(app: ASGIApp, scope: Scope, body: bytes = b"") -> Response:
    """Return the response of the app. A WebSocket is opened and closed at once."""
    return asyncio.run(send_request_async(app, scope, body))


async def send_request_async(app: ASGIApp, scope: Scope, body: bytes = b"") -> Response:
    """Return the response of the app, within an event loop."""
    response = Response()
    incoming: list[Message] = [
        {"type": "websocket.connect"} if scope["type"] == "websocket" else {"type": "http.request", "body": body}
    ]

    async def receive() -> Message:
        leaving = {"websocket": "websocket.disconnect", "http": "http.disconnect"}[scope["type"]]
        return incoming.pop(0) if incoming else {"type": leaving, "code": 1000}

    async def send(message: Message) -> None:
        response.add(message)

    await app(scope, receive, send)
    return response
