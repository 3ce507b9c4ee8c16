"""The addresses and names of this machine: the server's URLs, and the `Host` headers that it accepts.

No function here sends anything over the network: names are not looked up, and the outgoing address comes from the
operating system.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address

import psutil
from streamlit import config as server_config

Address = IPv4Address | IPv6Address

REFRESH_SECONDS = 5.0
"""Time after which a new address of this machine is accepted."""

_DOCUMENTATION_ADDRESSES = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""Addresses reserved for documentation (RFC 5737 and RFC 3849). Connecting a datagram socket to one makes the system
choose an outgoing address, but sends nothing."""


class AllowedHosts:
    """The host names that requests may name: this machine's own and `extra`, names with or without a port.

    A foreign page whose own name points to this machine (DNS rebinding) sends that name, which is not allowed.
    """

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self._extra_ports: dict[str, set[int]] = {}
        """The extra names, and the ports given with each."""
        for host in extra:
            if name := parse_host_header(host):
                ports = self._extra_ports.setdefault(name, set())
                ports |= {port} if (port := port_in(host)) else set()
        self._own_names: set[str] = set()
        self._refreshed_at = float("-inf")

    def allows(self, host_header: str) -> bool:
        """Whether a request with this `Host` header may pass."""
        name = parse_host_header(host_header)
        if name is None:
            return False
        if is_loopback_name(name) or name in self._extra_ports or name in self._own_names:
            return True
        if time.monotonic() - self._refreshed_at > REFRESH_SECONDS:
            self._refreshed_at = time.monotonic()
            self._own_names = {str(address) for address in own_addresses()} | set(own_names())
        return name in self._own_names

    def ports(self, name: str) -> set[int]:
        """The ports that the extra names give for a host; empty if they give none."""
        return self._extra_ports.get(name, set())


def base_path() -> str:
    """The path below which the server answers, such as `/trainer`; empty if that is the root."""
    path: str = (server_config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def local_url() -> str:
    """URL of the server on this machine."""
    return _server_url("localhost")


def network_urls() -> list[str]:
    """URLs of the server for other machines, the likeliest first; empty if it listens to this machine only."""
    configured: str = server_config.get_option("server.address") or ""
    if is_loopback_name(configured):
        return []
    address = parse_address(configured)
    if configured and not (address and address.is_unspecified):
        return [_server_url(address or configured)]
    addresses = [address for address in own_addresses() if not (configured and address.version == 6)]
    return [_server_url(host) for host in [*addresses, *own_names()[:1]]]


def own_addresses() -> list[Address]:
    """Addresses at which other machines reach this one: the outgoing ones first, IPv4 before IPv6."""
    addresses: set[Address] = set()
    for entries in psutil.net_if_addrs().values():
        for entry in entries:
            address = parse_address(entry.address)
            if address and not (address.is_loopback or address.is_link_local or address.is_unspecified):
                addresses.add(address)
    outgoing = _outgoing_addresses()
    return sorted(addresses, key=lambda address: (address not in outgoing, address.version, int(address)))


def own_names() -> list[str]:
    """Names of this machine on the network, the plain host name last."""
    name = socket.gethostname().lower().rstrip(".")
    if not name or is_loopback_name(name) or name.startswith("localhost"):
        return []
    return [name] if "." in name else [f"{name}.local", name]


def parse_address(text: str) -> Address | None:
    """The IP address in `text`, or None. An IPv4 address that is mapped to IPv6 becomes IPv4 again."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def parse_host_header(host_header: str) -> str | None:
    """The name or address in a `Host` header, normalized; None if the header is malformed."""
    name, port = host_header.partition(":")[0], _port_text(host_header)
    if host_header.startswith("["):
        name, bracket, rest = host_header[1:].partition("]")
        if not bracket or not isinstance(parse_address(name), Address) or (rest and not rest.startswith(":")):
            return None
    if port and not (port.isascii() and port.isdecimal() and len(port) <= 5 and int(port) <= 65535):
        return None
    address = parse_address(name)
    return str(address) if address else (name.lower().rstrip(".") or None)


def port_in(host_header: str) -> int | None:
    """The port in a valid `Host` header; None if it has none."""
    text = _port_text(host_header)
    return int(text) if text else None


def is_loopback_name(name: str) -> bool:
    """Whether a host name (without port or brackets) means this machine to itself."""
    address = parse_address(name)
    return address.is_loopback if address else name == "localhost"


def _port_text(host_header: str) -> str:
    """What follows the colon after a name, or after an IPv6 address in brackets."""
    return host_header.rpartition("]")[2].partition(":")[2]


def _server_url(host: Address | str) -> str:
    scheme = "https" if server_config.get_option("server.sslCertFile") else "http"
    name = f"[{host}]" if isinstance(host, IPv6Address) else str(host)
    return f"{scheme}://{name}:{int(server_config.get_option('server.port'))}{base_path()}"


def _outgoing_addresses() -> set[Address]:
    addresses = set()
    for target, family in _DOCUMENTATION_ADDRESSES:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            address = parse_address(probe.getsockname()[0])
            addresses |= {address} if address else set()
    return addresses
