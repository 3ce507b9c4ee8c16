"""The names and addresses of this machine."""

from __future__ import annotations

import socket
from collections import namedtuple
from ipaddress import ip_address
from types import SimpleNamespace

import psutil
import pytest

from mnist_dashboard.server import hosts

Nic = namedtuple("Nic", "address")


@pytest.fixture
def interfaces(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = {
        "lo": [Nic("127.0.0.1"), Nic("::1"), Nic("00:00:00:00:00:00")],
        "docker0": [Nic("172.17.0.1")],
        "wlan0": [Nic("192.168.7.20"), Nic("fe80::1%wlan0"), Nic("fd00::20")],
    }
    monkeypatch.setattr(psutil, "net_if_addrs", lambda: addresses)
    monkeypatch.setattr(hosts, "_outgoing_addresses", lambda: {ip_address("192.168.7.20"), ip_address("fd00::20")})
    monkeypatch.setattr(socket, "gethostname", lambda: "Studio")


@pytest.fixture
def options(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    values: dict[str, object] = {"server.port": 8501}
    monkeypatch.setattr(hosts, "server_config", SimpleNamespace(get_option=values.get))
    return values


@pytest.mark.usefixtures("interfaces")
def test_links_name_the_outgoing_addresses_first(options: dict[str, object]) -> None:
    assert hosts.network_urls() == [
        "http://192.168.7.20:8501",
        "http://[fd00::20]:8501",
        "http://172.17.0.1:8501",
        "http://studio.local:8501",
    ]
    assert hosts.local_url() == "http://localhost:8501"


@pytest.mark.usefixtures("interfaces")
@pytest.mark.parametrize(
    ("address", "urls"),
    [
        ("127.0.0.1", []),
        ("localhost", []),
        ("192.168.7.20", ["http://192.168.7.20:8501"]),
        ("0.0.0.0", ["http://192.168.7.20:8501", "http://172.17.0.1:8501", "http://studio.local:8501"]),
    ],
)
def test_links_follow_the_address_that_the_server_listens_to(
    options: dict[str, object], address: str, urls: list[str]
) -> None:
    options["server.address"] = address
    assert hosts.network_urls() == urls


@pytest.mark.parametrize("text", ["", "studio", "999.1.1.1", "00:11:22:33:44:55"])
def test_text_that_is_no_address_is_none(text: str) -> None:
    assert hosts.parse_address(text) is None


def test_an_ipv4_mapped_address_is_read_as_ipv4() -> None:
    assert hosts.parse_address("::ffff:127.0.0.1") == ip_address("127.0.0.1")
    assert hosts.is_loopback_name("::ffff:127.0.0.1")


def test_a_new_address_of_this_machine_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    own: list[object] = []
    monkeypatch.setattr(hosts, "own_addresses", lambda: own)
    monkeypatch.setattr(hosts, "REFRESH_SECONDS", 0.0)
    allowed = hosts.AllowedHosts()
    assert not allowed.allows("192.168.7.21:8501")
    own.append(ip_address("192.168.7.21"))
    assert allowed.allows("192.168.7.21:8501")
