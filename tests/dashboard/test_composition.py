"""The message in the terminal when the server has started."""

from __future__ import annotations

from pathlib import Path

import pytest

from mnist_dashboard import composition
from mnist_dashboard.server import hosts
from mnist_dashboard.server.roles.access_policy import AccessPolicy

NETWORK_URLS = ["http://192.168.7.20:8501", "http://[fd00::20]:8501"]


@pytest.fixture(autouse=True)
def urls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "network_urls", lambda: NETWORK_URLS)
    monkeypatch.setattr(hosts, "local_url", lambda: "http://localhost:8501")


def test_start_message_names_who_may_watch_and_the_owner_link(tmp_path: Path) -> None:
    policy = AccessPolicy(tmp_path)
    message = composition.start_message(policy, "runs")
    assert "http://localhost:8501\n" in message
    assert "http://[fd00::20]:8501" in message
    assert f"http://192.168.7.20:8501/owner?key={policy.key.read()}" in message
    policy.set_visible(False)
    assert "http://[fd00::20]:8501" not in composition.start_message(policy, "runs")


def test_strict_start_message_leads_with_the_owner_link(tmp_path: Path) -> None:
    policy = AccessPolicy(tmp_path, strict=True)
    message = composition.start_message(policy, "runs")
    assert f"for owners: http://192.168.7.20:8501/owner?key={policy.key.read()}" in message
    assert "http://localhost:8501" not in message
