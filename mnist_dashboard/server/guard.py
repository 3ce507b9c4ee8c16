"""The middleware that every HTTP request and WebSocket passes first. It refuses

- hosts that are not this machine, so that nobody can point a name elsewhere at this server (DNS rebinding),
- other machines while the server is for this machine only,
- requests from pages of another origin,
- requests of viewers that do more than read.

It also tells the app behind it where a request comes from (see `client_location`), and adds security headers to each
response. `limits` has what viewers may ask of the server, and checks a WebSocket while it is open.
"""

from __future__ import annotations

from contextlib import AsyncExitStack, suppress
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnected

from mnist_dashboard.server.hosts import AllowedHosts, base_path
from mnist_dashboard.server.limits.connections import OPEN_CONNECTIONS
from mnist_dashboard.server.limits.socket_guard import GuardedSocket
from mnist_dashboard.server.limits.sources import source_of
from mnist_dashboard.server.limits.viewer_limits import FEED_PATH, INFERENCE_PATH, BusyError, ViewerLimits
from mnist_dashboard.server.origins import is_own_origin
from mnist_dashboard.server.roles import sign_in
from mnist_dashboard.server.roles.access_policy import AccessPolicy, owner_cookie
from mnist_dashboard.server.roles.client_location import (
    client_address,
    is_forwarded,
    is_proxied,
    peer_address,
    with_location_headers,
)
from mnist_dashboard.server.roles.proxies import TrustedProxies
from mnist_dashboard.server.security_headers import with_security_headers

READ_METHODS = ("GET", "HEAD", "OPTIONS")

OWNER_PATHS = ("/_stcore/metrics",)
"""Streamlit's paths for owners only, because they cost the server too much."""


class RefusedError(Exception):
    """Why a request is refused, in a sentence for the person who made it."""

    def __init__(self, status: HTTPStatus, text: str) -> None:
        super().__init__(text)
        self.status = status


class Guard:
    """The middleware, as plain ASGI: it passes streams on chunk by chunk."""

    def __init__(self, app: ASGIApp, policy: AccessPolicy, hosts: AllowedHosts, proxies: TrustedProxies) -> None:
        self._app = app
        self._policy = policy
        self._hosts = hosts
        self._proxies = proxies
        self._limits = ViewerLimits()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        scope = with_location_headers(scope, self._proxies)
        send = with_security_headers(scope, send)
        connection = HTTPConnection(scope)
        try:
            self._check_host(connection)
            self._check_visible(connection)
            self._check_origin(connection)
            is_owner = self._check_role(connection)
        except RefusedError as refusal:
            response = PlainTextResponse(f"{refusal}\n", status_code=refusal.status)
            await _send_refusal(scope, receive, send, response)
            return
        if is_owner and connection.client:
            OPEN_CONNECTIONS.keep_for_owner(connection.client)
        try:
            await self._serve(connection, receive, send, is_owner=is_owner)
        except BusyError as busy:
            headers = {"Retry-After": str(busy.retry_seconds)}
            response = PlainTextResponse(f"{busy}\n", HTTPStatus.SERVICE_UNAVAILABLE, headers)
            await _send_refusal(scope, receive, send, response)

    async def _serve(self, connection: HTTPConnection, receive: Receive, send: Send, *, is_owner: bool) -> None:
        """Hand a request to the app within the limits for viewers. Raises `BusyError`."""
        scope, source = connection.scope, source_of(client_address(connection.headers))
        path = _path(connection)
        async with AsyncExitStack() as held:
            if not is_owner:
                await self._limits.pace_request(source, {**scope, "path": path})
                if scope["type"] == "websocket":
                    held.enter_context(self._limits.page(source))
                elif path == FEED_PATH:
                    held.enter_context(self._limits.stream(source))
                elif path.startswith(INFERENCE_PATH):
                    await held.enter_async_context(self._limits.inference(source))
            if scope["type"] == "websocket":
                socket = GuardedSocket(
                    receive,
                    send,
                    source=source,
                    limits=self._limits,
                    is_admitted=lambda: self._policy.admits(connection.headers),
                    is_owner=lambda: self._policy.is_owner(connection.headers, connection.cookies),
                )
                held.callback(socket.close)
                receive, send = socket.receive, socket.send
                scope = _with_host_of_origin(scope, connection.headers["origin"])
            with suppress(WebSocketDisconnected):  # Streamlit does not expect a browser that leaves at any moment
                await self._app(scope, receive, send)

    def _check_host(self, connection: HTTPConnection) -> None:
        hosts = connection.headers.getlist("host")
        if len(hosts) != 1 or not self._hosts.allows(hosts[0]):
            raise RefusedError(
                HTTPStatus.BAD_REQUEST,
                "This server does not answer to the host name in that address. Use an address that it printed when it "
                "started, or add the name to MNIST_HOSTS.",
            )

    def _check_visible(self, connection: HTTPConnection) -> None:
        if not self._policy.admits(connection.headers):
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                "This dashboard is not shared at the moment. Its owner can share it: Share, Visible on the network.",
            )

    def _check_origin(self, connection: HTTPConnection) -> None:
        headers = connection.headers
        origin = headers.get("origin")
        if origin is not None:
            is_foreign = not is_own_origin(origin, headers, self._hosts)
        elif connection.scope["type"] == "websocket" or connection.scope["method"] not in READ_METHODS:
            is_foreign = True  # every browser sends an origin with these
        else:  # a link from another site may lead here; its pictures and scripts may not come from here
            is_foreign = headers.get("sec-fetch-site") in ("cross-site", "same-site")
            is_foreign = is_foreign and headers.get("sec-fetch-mode") != "navigate"
        if is_foreign:
            raise RefusedError(
                HTTPStatus.FORBIDDEN,
                "A page from another address sent this request, so the server refused it. " + _proxy_advice(connection),
            )

    def _check_role(self, connection: HTTPConnection) -> bool:
        """Refuse viewers anything but reading; returns whether it is an owner. Too many wrong tokens are refused."""
        headers, path = connection.headers, _path(connection)
        if self._policy.is_owner(headers, connection.cookies):
            return True
        token = connection.cookies.get(owner_cookie(), "")
        was_locked_out = self._policy.is_locked_out(headers)
        if token and self._policy.record_wrong_try(headers, token) and was_locked_out:
            raise RefusedError(HTTPStatus.TOO_MANY_REQUESTS, "Too many wrong sign-ins. Wait a minute.")
        is_reading = connection.scope["type"] == "websocket" or connection.scope["method"] in READ_METHODS
        if path in OWNER_PATHS or not (is_reading or _is_open(path)):
            raise RefusedError(HTTPStatus.FORBIDDEN, "Only an owner may do this. Open a sign-in link first.")
        return False


def _is_open(path: str) -> bool:
    """Whether everybody may send more than reading requests to a path: a sign-in, or a drawing to be read."""
    return path == sign_in.PATH or path.startswith(INFERENCE_PATH)


def _path(connection: HTTPConnection) -> str:
    """The path of a request below `server.baseUrlPath`."""
    path: str = connection.scope["path"]
    return path.removeprefix(base_path())


def _proxy_advice(connection: HTTPConnection) -> str:
    """What to change if the request was no attack, but came through a proxy."""
    if is_proxied(connection.headers):
        return (
            "If the address is right, let the proxy pass on Host and X-Forwarded-Proto. If MNIST_HOSTS names this host "
            "with a port, that must be the one in the browser's address."
        )
    if is_forwarded(connection.headers):
        return f"If a proxy forwarded it, add the proxy ({peer_address(connection)}) to MNIST_PROXIES."
    return "If a proxy forwarded it, let it pass on the Host header, or add the proxy to MNIST_PROXIES."


def _with_host_of_origin(scope: Scope, origin: str) -> Scope:
    """Replace the host by that of the origin, once that has passed. Behind a proxy, the host may lack the port.

    Streamlit compares the two again, and asks an outside service for this machine's address if they differ.
    """
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    return {**scope, "headers": [*others, (b"host", origin.partition("://")[2].lower().encode("latin-1"))]}


async def _send_refusal(scope: Scope, receive: Receive, send: Send, response: Response) -> None:
    if scope["type"] == "websocket":
        await WebSocket(scope, receive, send).send_denial_response(response)
    else:
        await response(scope, receive, send)
