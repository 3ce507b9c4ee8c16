"""An app behind the guard of the server, and the names that the guard knows."""

from __future__ import annotations

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

LAN = "192.168.7.20"
"""A host name of the server in these tests."""

PROXY = "172.18.0.2"
"""The address of the proxy that the server trusts."""


class Inner:
    """The app behind the guard, which accepts and records every request."""

    def __init__(self) -> None:
        self.seen: list[HTTPConnection] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.seen.append(HTTPConnection(scope))
        if scope["type"] == "websocket":
            await WebSocket(scope, receive, send).accept()
        else:
            await HTMLResponse("<p>in</p>")(scope, receive, send)
