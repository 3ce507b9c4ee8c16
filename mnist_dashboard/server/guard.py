"""The middleware that every request, stream and WebSocket passes first: what it refuses, and what others learn of it.

It refuses requests for a host that this machine is not (so no name elsewhere can be pointed here), peers while the
server is for its own machine only, what a page of another origin asks, and anything but reading to whoever may not act.
It says in headers where a request was made, which decides on roles (see `sharing`), and by whom, and adds the headers
that browsers obey. What holds for a WebSocket after that is in `open_socket`.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from mnist_dashboard.server.access_policy import (
    LOCAL,
    LOCATION_HEADER,
    REMOTE,
    SOURCE_HEADER,
    Sharing,
    owner_cookie,
    viewer_cookie,
)
from mnist_dashboard.server.hosts import AllowedHosts, address_of, host_name, is_loopback_name
from mnist_dashboard.server.rate_limits import RateLimit
from mnist_dashboard.server.socket_guard import GuardedSocket

READ_METHODS = ("GET", "HEAD", "OPTIONS")
OWNER_PATHS = ("/_stcore/metrics",)
"""Addresses of Streamlit's that cost more than they are worth to a viewer."""

MAX_FLOODS, FLOOD_SECONDS = 3, 60.0
"""Whoever had so many WebSockets closed for flooding them opens no other for a while."""

_FORWARDING = (
    "forwarded",
    "via",
    "true-client-ip",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "cf-connecting-ip",
)


class Refusal(Exception):  # noqa: N818 - not an error: what the server does when it works
    """Why a request is not answered, in a sentence for whoever made it."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Guard:
    """Pure ASGI: streams are passed on as they come."""

    def __init__(self, app: ASGIApp, sharing: Sharing, hosts: AllowedHosts) -> None:
        self._app = app
        self._sharing = sharing
        self._hosts = hosts
        self._floods = RateLimit(MAX_FLOODS, FLOOD_SECONDS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        send = _with_security_headers(scope, send)
        connection = HTTPConnection(scope := _with_location(scope))
        try:
            self._check_host(connection)
            self._check_visible(connection)
            self._check_origin(connection)
            self._check_role(connection)
        except Refusal as refusal:
            response = PlainTextResponse(f"{refusal}\n", status_code=refusal.status)
            await _refuse(scope, receive, send, response)
            return
        if scope["type"] == "websocket":
            source = source_of(connection)
            opened = GuardedSocket(connection, self._sharing, receive, send, lambda: self._floods.allows(source))
            receive, send = opened.receive, opened.send
        await self._app(scope, receive, send)

    def _check_host(self, connection: HTTPConnection) -> None:
        named = connection.headers.getlist("host")
        if len(named) != 1 or not self._hosts.allow(named[0]):
            raise Refusal(
                HTTPStatus.BAD_REQUEST,
                "This server does not go by the name in that address. Use one that it printed when it started, "
                "or name this one in MNIST_HOSTS.",
            )

    def _check_visible(self, connection: HTTPConnection) -> None:
        if not self._sharing.admits(connection.headers):
            raise Refusal(HTTPStatus.FORBIDDEN, "This dashboard is not shared at the moment. Ask its owner to show it.")

    def _check_origin(self, connection: HTTPConnection) -> None:
        headers = connection.headers
        origin = headers.get("origin")
        if origin is not None:
            foreign = origin.lower() != f"{_scheme(connection)}://{headers['host'].lower()}"
        elif connection.scope["type"] == "websocket" or connection.scope["method"] not in READ_METHODS:
            foreign = True  # every browser says it with these
        else:  # a link from elsewhere is welcome, a picture or a script is not
            foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
            foreign = foreign and headers.get("sec-fetch-mode") != "navigate"
        if foreign:
            raise Refusal(HTTPStatus.FORBIDDEN, "A page from another address asked for this. It is not answered.")

    def _check_role(self, connection: HTTPConnection) -> None:
        """Reading is for everybody. A wrong key is no reason to refuse a viewer, unless keys are being tried out."""
        is_owner = self._sharing.is_owner(connection.headers, connection.cookies)
        if connection.scope["type"] == "websocket":
            wrong_key = not is_owner and owner_cookie() in connection.cookies
            if wrong_key and not self._sharing.may_try_key(source_of(connection)):
                raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong keys. Wait a minute.")
            if not is_owner and self._floods.is_used_up(source_of(connection)):
                raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, "Too many messages. Wait a minute.")
        elif not is_owner and (
            connection.scope["method"] not in READ_METHODS or connection.scope["path"] in OWNER_PATHS
        ):
            raise Refusal(HTTPStatus.FORBIDDEN, "Only the owner may do this. Open the owner link first.")


def source_of(connection: HTTPConnection) -> str:
    """Who is on the other side, for limits: the address, or what a proxy on this machine says it is."""
    host = connection.client.host if connection.client else ""
    hops = connection.headers.get("x-forwarded-for", "")
    return hops.rpartition(",")[2].strip() if hops and is_loopback_name(host) else host


def _is_local(scope: Scope) -> bool:
    """Whether a person at this machine made the request: loopback connection, loopback name, no proxy between."""
    connection = HTTPConnection(scope)
    address = address_of(connection.client.host) if connection.client else None
    name = host_name(connection.headers.get("host", ""))
    forwarded = any(key in _FORWARDING or key.startswith("x-forwarded") for key in connection.headers)
    return bool(address and address.is_loopback and name and is_loopback_name(name) and not forwarded)


def _with_location(scope: Scope) -> Scope:
    """The request with headers of ours, instead of any by these names that a client made up."""
    ours = {
        LOCATION_HEADER.encode(): (LOCAL if _is_local(scope) else REMOTE).encode(),
        SOURCE_HEADER.encode(): source_of(HTTPConnection(scope)).encode("latin-1"),
    }
    others = [(name, value) for name, value in scope["headers"] if name.lower() not in ours]
    return {**scope, "headers": [*others, *ours.items()]}


def _scheme(connection: HTTPConnection) -> str:
    """`http` or `https`, as the browser sees it; only a proxy on this machine may say so."""
    said = connection.headers.get("x-forwarded-proto", "")
    peer = connection.client.host if connection.client else ""
    if said in ("http", "https") and is_loopback_name(peer):
        return said
    return "https" if connection.scope["scheme"] in ("https", "wss") else "http"


async def _refuse(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)


# ---------------------------------------------------------------------- what browsers are told


def _inline_scripts() -> Sequence[str]:
    """Hashes of the scripts written into Streamlit's one HTML file, so that no other can be put into it."""
    text = (Path(streamlit.__file__).with_name("static") / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    return [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'" for script in scripts]


_POLICY = "; ".join(
    [
        "default-src 'self'",
        f"script-src 'self' blob: {' '.join(_inline_scripts())}",  # blob: is how Streamlit loads components
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' {sockets}",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)


def _with_security_headers(scope: Scope, send: Send) -> Send:
    if scope["type"] != "http":
        return send
    connection = HTTPConnection(scope)
    host = connection.headers.get("host", "")
    # Some browsers do not count WebSockets of the same host as 'self'. What is no host name is not written into it.
    sockets = f"ws://{host} wss://{host}" if re.fullmatch(r"[\w.:\[\]-]+", host) else ""

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = _POLICY.format(sockets=sockets)
            headers["X-Content-Type-Options"] = "nosniff"
            headers["X-Frame-Options"] = "DENY"
            headers["Referrer-Policy"] = "no-referrer"
            headers["Cross-Origin-Resource-Policy"] = "same-origin"
            if headers.get("content-type", "").startswith("text/html") and viewer_cookie() not in connection.cookies:
                token = secrets.token_urlsafe(16)
                headers.append("Set-Cookie", f"{viewer_cookie()}={token}; Path=/; HttpOnly; SameSite=Strict")
        await send(message)

    return with_headers
