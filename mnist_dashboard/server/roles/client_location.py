"""Where a request comes from: whether from this machine, the client's address, and the scheme in the browser's address.

The guard writes them into headers of its own, for code that sees the headers of a request only.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.types import Scope

from mnist_dashboard.server.hosts import is_loopback_name, parse_address, parse_host_header
from mnist_dashboard.server.roles.proxies import TrustedProxies

LOCATION_HEADER = "x-mnist-location"
"""Where the request was made: `LOCAL` or `REMOTE`; `PROXIED` when a named proxy forwarded it."""

CLIENT_ADDRESS_HEADER = "x-mnist-client-address"
SCHEME_HEADER = "x-mnist-scheme"

LOCAL, REMOTE, PROXIED = "local", "remote", "proxied"

_FORWARDING_HEADERS = (
    "forwarded",
    "via",
    "true-client-ip",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "cf-connecting-ip",
)


def with_location_headers(scope: Scope, proxies: TrustedProxies) -> Scope:
    """Return the request with the three headers set. Headers of these names that the client sent are dropped.

    `Host` becomes the one that the browser sent, if a named proxy tells it.
    """
    connection = HTTPConnection(scope)
    client = peer_address(connection)
    scheme = "https" if scope["scheme"] in ("https", "wss") else "http"
    own: dict[str, str] = {}
    if proxies.trusts(client):
        location = PROXIED
        forwarded = proxies.read(client, connection.headers)
        client, scheme = forwarded.client, forwarded.scheme or scheme
        own = {"host": forwarded.host} if forwarded.host else {}
    else:
        location = LOCAL if _comes_from_this_machine(client, connection.headers) else REMOTE
    own |= {LOCATION_HEADER: location, CLIENT_ADDRESS_HEADER: client, SCHEME_HEADER: scheme}
    encoded = {name.encode(): value.encode("latin-1") for name, value in own.items()}
    others = [(name, value) for name, value in scope["headers"] if name.lower() not in encoded]
    return {**scope, "headers": [*others, *encoded.items()]}


def is_local(headers: Mapping[str, str]) -> bool:
    """Whether the request was made on this machine. Only for headers that have passed the guard.

    That is no proof of who made it: programs that forward connections, such as ssh, connect from this machine, too.
    """
    return headers.get(LOCATION_HEADER) == LOCAL


def is_proxied(headers: Mapping[str, str]) -> bool:
    """Whether a named proxy forwarded the request."""
    return headers.get(LOCATION_HEADER) == PROXIED


def client_address(headers: Mapping[str, str]) -> str:
    """The client's address, for rate limits and the audit log."""
    return headers.get(CLIENT_ADDRESS_HEADER, "")


def browser_scheme(headers: Mapping[str, str]) -> str:
    """`http` or `https`, as in the browser's address bar."""
    return headers.get(SCHEME_HEADER, "http")


def peer_address(connection: HTTPConnection) -> str:
    """The address of the other end of the connection, which may be a proxy's."""
    host = connection.client.host if connection.client else ""
    return str(parse_address(host) or host)


def is_forwarded(headers: Headers) -> bool:
    """Whether a proxy, named or not, has left a trace in the request."""
    return any(name in _FORWARDING_HEADERS or name.startswith("x-forwarded") for name in headers)


def _comes_from_this_machine(client: str, headers: Headers) -> bool:
    """Whether the connection and the host name are loopback and no proxy forwarded the request."""
    peer, host = parse_address(client), parse_host_header(headers.get("host", ""))
    return bool(peer and peer.is_loopback and host and is_loopback_name(host) and not is_forwarded(headers))
