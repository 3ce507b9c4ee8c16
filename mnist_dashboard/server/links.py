"""Links to this server, for the start message and the Share popover."""

from __future__ import annotations

from streamlit import config as server_config

from mnist_dashboard.server import hosts
from mnist_dashboard.server.access_policy import Sharing
from mnist_dashboard.server.owner_link import owner_link


def local_url() -> str:
    """Where the server is, seen from this machine."""
    return hosts.server_url("localhost", _port(), _scheme())


def network_urls() -> list[str]:
    """Where the server is, seen from others on the network, the likeliest first; empty if it listens to none there."""
    configured: str = server_config.get_option("server.address") or ""
    if hosts.is_loopback_name(configured):
        return []
    address = hosts.address_of(configured)
    if configured and not (address and address.is_unspecified):
        return [hosts.server_url(address or configured, _port(), _scheme())]
    addresses = [one for one in hosts.own_addresses() if not (configured and one.version == 6)]
    return [hosts.server_url(host, _port(), _scheme()) for host in [*addresses, *hosts.own_names()[:1]]]


def start_message(sharing: Sharing, runs: str) -> str:
    """What the terminal says when the server has started."""
    found = network_urls()
    if not found:
        watch = ["Nobody else: it listens to this machine only, or this machine is on no network."]
    elif not sharing.is_visible:
        watch = ["Nobody else: it is not shared. The page's Share button changes that."]
    else:
        watch = found
    owner = owner_link((found or [local_url()])[0], sharing.key.read())
    first = f"MNIST Trainer: {local_url()}" if not sharing.strict else f"MNIST Trainer, for owners: {owner}"
    lines = [first, *_aligned("Others watch at", watch), *([] if sharing.strict else _aligned("Owner link", [owner]))]
    return "".join(f"\n  {line}" for line in [*lines, f"Runs are kept in {runs}. Ctrl-C ends it."]) + "\n"


def _aligned(label: str, lines: list[str]) -> list[str]:
    return [f"{label if number == 0 else '':<17}{line}" for number, line in enumerate(lines)]


def _port() -> int:
    return int(server_config.get_option("server.port"))


def _scheme() -> str:
    return "https" if server_config.get_option("server.sslCertFile") else "http"
