"""By which addresses and names this machine is reached, and which of them the server answers to.

Nothing here sends anything: names are not looked up, and the way out is asked of the system alone.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import psutil

Address = IPv4Address | IPv6Address

REFRESH_SECONDS = 5.0
"""How soon an address that this machine has just been given counts."""

_DOCUMENTATION_ADDRESSES = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Documentation addresses: connecting a datagram socket there chooses a way out and sends nothing."""


def address_of(text: str) -> Address | None:
    """The address that `text` writes, an IPv4 one in IPv6 clothes as itself; None if it is none."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback_name(name: str) -> bool:
    """Whether a host name (without port or brackets) means the machine that says it."""
    address = address_of(name)
    return address.is_loopback if address else name == "localhost"


def own_addresses() -> list[Address]:
    """Where others on the network reach this machine: the address of the way out first, IPv4 before IPv6."""
    found: set[Address] = set()
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            address = address_of(entry.address)
            if address and not (address.is_loopback or address.is_link_local or address.is_unspecified):
                found.add(address)
    ways_out = _outgoing_addresses()
    return sorted(found, key=lambda address: (address not in ways_out, address.version, int(address)))


def own_names() -> list[str]:
    """What this machine is called on the network, where that knows names; the plain host name last."""
    name = socket.gethostname().lower().rstrip(".")
    if not name or is_loopback_name(name) or name.startswith("localhost"):
        return []
    return [name] if "." in name else [f"{name}.local", name]


def server_url(host: Address | str, port: int, scheme: str = "http") -> str:
    """The address of the server at a host, without a path."""
    name = f"[{host}]" if isinstance(host, IPv6Address) else str(host)
    return f"{scheme}://{name}:{port}"


class AllowedHosts:
    """The host names that requests may be for: a page elsewhere that has its own name point here asks for another."""

    def __init__(self, further: Iterable[str] = ()) -> None:
        self._further = {name.lower() for name in further}
        self._own: set[str] = set()
        self._looked_at = float("-inf")

    def allow(self, host_header: str) -> bool:
        name = host_name(host_header)
        if name is None:
            return False
        if is_loopback_name(name) or name in self._further or name in self._own:
            return True
        if time.monotonic() - self._looked_at > REFRESH_SECONDS:
            self._looked_at = time.monotonic()
            self._own = {str(address) for address in own_addresses()} | set(own_names())
        return name in self._own


def host_name(host_header: str) -> str | None:
    """The name or address in a `Host` header, in one spelling; None if that is malformed."""
    name, port = host_header, ""
    if host_header.startswith("["):
        name, closed, port = host_header[1:].partition("]")
        if not closed or not isinstance(address_of(name), Address) or (port and not port.startswith(":")):
            return None
        port = port.removeprefix(":")
    elif ":" in host_header:
        name, _, port = host_header.partition(":")
    if port and not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
        return None
    address = address_of(name)
    return str(address) if address else (name.lower().rstrip(".") or None)


def _outgoing_addresses() -> set[Address]:
    chosen = set()
    for target, family in _DOCUMENTATION_ADDRESSES:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            address = address_of(probe.getsockname()[0])
            chosen |= {address} if address else set()
    return chosen
