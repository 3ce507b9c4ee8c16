"""The message in the terminal when the server has started, and the page that it opens."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from mnist_core.errors import MnistError
from mnist_dashboard.server import announcement, hosts
from mnist_dashboard.server.roles.access_policy import AccessPolicy

NETWORK_URLS = ["http://192.168.7.20:8501", "http://[fd00::20]:8501"]
LINK = re.compile(r"(http://\S+)/sign-in#code=(\S+)")


@pytest.fixture(autouse=True)
def urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "network_urls", lambda: NETWORK_URLS)
    monkeypatch.setattr(hosts, "local_url", lambda: "http://localhost:8501")


@pytest.fixture
def policy(tmp_path: Path) -> AccessPolicy:
    return AccessPolicy(tmp_path)


def start_message(policy: AccessPolicy, folder: Path, *, is_terminal: bool = True, has_screen: bool = True) -> str:
    announcement.save_addresses(folder, announcement.sign_in_addresses(is_elsewhere=not has_screen))
    return announcement.start_message(policy, folder, is_terminal=is_terminal)


def test_a_terminal_shows_who_may_watch_and_a_link_that_signs_in_once(policy: AccessPolicy, tmp_path: Path) -> None:
    message = start_message(policy, tmp_path)
    assert "MNIST Trainer: http://localhost:8501\n" in message
    assert "http://[fd00::20]:8501" in message
    [(address, code)] = LINK.findall(message)
    assert address == "http://localhost:8501"
    assert re.search(r"Works once, until \d\d:\d\d", message)
    assert "python -m mnist_dashboard owner-link" in message
    assert policy.sessions.sign_in(code, "Firefox")
    assert not policy.sessions.sign_in(code, "Firefox")
    policy.set_visible(False)
    assert "http://[fd00::20]:8501" not in start_message(policy, tmp_path)


def test_without_a_screen_the_link_also_names_an_address_for_other_machines(
    policy: AccessPolicy, tmp_path: Path
) -> None:
    links = LINK.findall(start_message(policy, tmp_path, has_screen=False))
    assert [address for address, _ in links] == ["http://localhost:8501", "http://192.168.7.20:8501"]
    assert len({code for _, code in links}) == 1


def test_a_log_gets_no_code_but_the_command_that_makes_one(policy: AccessPolicy, tmp_path: Path) -> None:
    message = start_message(policy, tmp_path, is_terminal=False)
    assert not LINK.search(message)
    assert "python -m mnist_dashboard owner-link" in message


def test_where_this_machine_is_trusted_the_message_has_no_link(tmp_path: Path) -> None:
    message = start_message(AccessPolicy(tmp_path, trust_local=True), tmp_path)
    assert not LINK.search(message)
    assert "MNIST_TRUST_LOCAL" in message


def test_the_browser_opens_a_private_file_that_leads_to_a_link(
    policy: AccessPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcement, "_can_browser_read", lambda _path: True)
    page = Path(announcement.page_to_open(policy, tmp_path).removeprefix("file://"))
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    [(address, code)] = LINK.findall(page.read_text().replace("&amp;", " "))
    assert address == "http://localhost:8501"
    assert policy.sessions.is_pending(code)


def test_a_browser_that_cannot_read_the_file_opens_the_address_itself(
    policy: AccessPolicy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("WSL_DISTRO_NAME", raising=False)
    announcement.save_addresses(tmp_path / "runs", [])
    assert announcement.page_to_open(policy, tmp_path / "runs").startswith("file://")
    for folder in (tmp_path / ".local" / "runs", tmp_path.parent / "srv"):
        assert announcement.page_to_open(policy, folder) == "http://localhost:8501"
    monkeypatch.setenv("WSL_DISTRO_NAME", "Debian")
    assert announcement.page_to_open(policy, tmp_path / "runs") == "http://localhost:8501"


def test_without_a_server_there_are_no_addresses(tmp_path: Path) -> None:
    with pytest.raises(MnistError, match="No server runs on the runs folder"):
        announcement.read_addresses(tmp_path)
