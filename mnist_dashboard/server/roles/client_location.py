"""Where a request comes from: the client's address, whether that is this machine, and the browser's scheme.

The guard writes the first two into headers of its own, for code that sees the headers of a request only.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import HTTPConnection
from starlette.types import Scope

from mnist_dashboard.server.hosts import is_loopback_name, parse_address, parse_host_header

LOCATION_HEADER = "x-mnist-location"
"""Where the request was made: `LOCAL` or `REMOTE`."""

CLIENT_ADDRESS_HEADER = "x-mnist-client-address"

LOCAL, REMOTE = "local", "remote"

_FORWARDING_HEADERS = (
    "forwarded",
    "via",
    "true-client-ip",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "cf-connecting-ip",
)


def with_location_headers(scope: Scope) -> Scope:
    """Return the request with the two headers set. Headers of these names that the client sent are dropped."""
    location = LOCAL if _comes_from_this_machine(scope) else REMOTE
    own = {
        LOCATION_HEADER.encode(): location.encode(),
        CLIENT_ADDRESS_HEADER.encode(): client_address(HTTPConnection(scope)).encode("latin-1"),
    }
    others = [(name, value) for name, value in scope["headers"] if name.lower() not in own]
    return {**scope, "headers": [*others, *own.items()]}


def is_local(headers: Mapping[str, str]) -> bool:
    """Whether someone at this machine made the request. Only for headers that have passed the guard."""
    return headers.get(LOCATION_HEADER) == LOCAL


def client_address(connection: HTTPConnection) -> str:
    """The client's address, for rate limits. A proxy on this machine may name the client it forwards for."""
    peer = connection.client.host if connection.client else ""
    forwarded_for = connection.headers.get("x-forwarded-for", "")
    return forwarded_for.rpartition(",")[2].strip() if forwarded_for and is_loopback_name(peer) else peer


def browser_scheme(connection: HTTPConnection) -> str:
    """`http` or `https`, as in the browser's address bar. A proxy on this machine may name it."""
    forwarded = connection.headers.get("x-forwarded-proto", "")
    peer = connection.client.host if connection.client else ""
    if forwarded in ("http", "https") and is_loopback_name(peer):
        return forwarded
    return "https" if connection.scope["scheme"] in ("https", "wss") else "http"


def _comes_from_this_machine(scope: Scope) -> bool:
    """Whether the connection and the host name are loopback and no proxy forwarded the request."""
    connection = HTTPConnection(scope)
    peer = parse_address(connection.client.host) if connection.client else None
    host = parse_host_header(connection.headers.get("host", ""))
    is_forwarded = any(name in _FORWARDING_HEADERS or name.startswith("x-forwarded") for name in connection.headers)
    return bool(peer and peer.is_loopback and host and is_loopback_name(host) and not is_forwarded)
