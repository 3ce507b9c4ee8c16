"""Whether a request comes from a page of this server: the check of the `Origin` header."""

from __future__ import annotations

import re

from starlette.datastructures import Headers

from mnist_dashboard.server.hosts import AllowedHosts, parse_host_header, port_in
from mnist_dashboard.server.roles.client_location import browser_scheme, is_proxied

_DEFAULT_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"[\w.\[\]:-]+", re.ASCII)


def is_own_origin(origin: str, headers: Headers, hosts: AllowedHosts) -> bool:
    """Whether `origin` is the address at which the browser reached this server. The headers have passed the guard.

    A named proxy often sends its own port in `Host`, or none. Behind one, the ports are compared only if `MNIST_HOSTS`
    names the port of the host.
    """
    scheme, separator, authority = origin.lower().partition("://")
    if not separator or scheme != browser_scheme(headers):
        return False
    name = parse_host_header(authority)
    if name is None or not _AUTHORITY.fullmatch(authority) or name != parse_host_header(headers["host"]):
        return False
    port = port_in(authority) or _DEFAULT_PORTS[scheme]
    if is_proxied(headers):
        return not hosts.ports(name) or port in hosts.ports(name)
    return port == (port_in(headers["host"]) or _DEFAULT_PORTS[scheme])
