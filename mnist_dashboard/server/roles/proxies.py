"""The proxies named in `MNIST_PROXIES`, and what they say about the request that they forwarded.

Only a named proxy is believed: any client can send the same headers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from starlette.datastructures import Headers

from mnist_core.errors import MnistError
from mnist_dashboard.server.hosts import parse_address

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class ForwardedRequest:
    """The browser's request, as a named proxy describes it. Empty strings for what it leaves out."""

    client: str
    scheme: str
    host: str


class TrustedProxies:
    """The addresses of the proxies to believe: `text` lists addresses and networks, separated by commas or spaces.

    Raises `MnistError` for anything else.
    """

    def __init__(self, text: str = "") -> None:
        self._networks = [_parse_network(word) for word in text.replace(",", " ").split()]

    def trusts(self, address: str) -> bool:
        """Whether a named proxy has this address."""
        parsed = parse_address(address)
        return parsed is not None and any(parsed in network for network in self._networks)

    def read(self, peer: str, headers: Headers) -> ForwardedRequest:
        """Return the request that the proxy at `peer` forwarded.

        Each proxy on the way appends to the lists, so they are read from the right, past the named proxies. What
        stands to the left of the client's address was sent by the client.
        """
        elements = [_parse_forwarded(element) for element in _values(headers, "forwarded")]
        clients = _values(headers, "x-forwarded-for") or [element.get("for", "") for element in elements]
        schemes = _values(headers, "x-forwarded-proto") or [element.get("proto", "") for element in elements]
        hosts = _values(headers, "x-forwarded-host") or [element.get("host", "") for element in elements]
        client, hops = peer, 0
        while hops < len(clients) and self.trusts(client):
            hops += 1
            address = parse_address(_without_port(clients[-hops]))
            if address is None:  # `unknown`, or not an address: the proxy is all that is known
                break
            client = str(address)
        scheme = _nth_from_right(schemes, hops).lower()
        return ForwardedRequest(client, scheme if scheme in ("http", "https") else "", _nth_from_right(hosts, hops))


def _parse_network(word: str) -> Network:
    try:
        return ipaddress.ip_network(word, strict=False)
    except ValueError:
        raise MnistError(
            f"MNIST_PROXIES must list addresses or networks, such as 172.18.0.2 or 172.18.0.0/16, got {word!r}."
        ) from None


def _values(headers: Headers, name: str) -> list[str]:
    """The list in a header. A list may be spread over several headers of the same name."""
    joined = ",".join(headers.getlist(name))
    return [value.strip() for value in joined.split(",")] if joined.strip() else []


def _nth_from_right(values: list[str], number: int) -> str:
    """The value that the outermost named proxy has appended; of a shorter list, the first."""
    return values[-min(max(number, 1), len(values))] if values else ""


def _parse_forwarded(element: str) -> dict[str, str]:
    """The parameters of one element of a `Forwarded` header (RFC 7239, section 4)."""
    pairs: Iterable[tuple[str, str, str]] = (parameter.partition("=") for parameter in element.split(";"))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _without_port(node: str) -> str:
    """The address in `192.0.2.7:4711`, `[2001:db8::7]:4711` or `2001:db8::7`."""
    if node.startswith("["):
        return node[1:].partition("]")[0]
    return node.partition(":")[0] if node.count(":") == 1 else node
