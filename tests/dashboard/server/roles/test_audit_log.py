"""The audit log."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_dashboard import access, services
from mnist_dashboard.server.roles import audit_log
from mnist_dashboard.server.roles.access_policy import AccessPolicy
from mnist_dashboard.server.roles.audit_log import AuditLog
from mnist_dashboard.server.roles.client_location import CLIENT_ADDRESS_HEADER
from tests.support.web.page_driver import Visitor, click, open_page
from tests.support.web.signing_in import DEVICE, sign_in


def read(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]


def test_no_text_can_forge_a_line(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "audit.log")
    name = 'x"}\n{"who": "owner"}\r\x85\u2028\u202e\x1b[2J'
    log.record(name, "10.0.0.9", "signed in", name)
    [line] = read(tmp_path / "audit.log")
    assert (line["who"], line["from"], line["what"], line["detail"]) == (name, "10.0.0.9", "signed in", name)
    assert line["at"].endswith("+00:00")
    assert (tmp_path / "audit.log").read_bytes().isascii()
    assert stat.S_IMODE((tmp_path / "audit.log").stat().st_mode) == 0o600


def test_its_size_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "MAX_BYTES", 1000)
    log = AuditLog(tmp_path / "audit.log")
    for number in range(500):
        log.record("x" * 50, "10.0.0.9", "stopped", f"{number} " + "y" * 1000)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["audit.log", *(f"audit.log.{number}" for number in range(1, 5))]
    assert all(file.stat().st_size < 2000 for file in files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert "499 y" in read(files[0])[-1]["detail"]


def test_a_log_that_cannot_be_written_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "audit.log").mkdir()
    AuditLog(tmp_path / "audit.log").record("Ana", "10.0.0.9", "signed in")
    assert "cannot be written (Is a directory)" in capsys.readouterr().err


def test_it_says_who_did_what_on_the_pages(
    app: AppTest, visitor: Visitor, policy: AccessPolicy, places: Path, store: RunStore
) -> None:
    visitor.headers[CLIENT_ADDRESS_HEADER] = "10.0.0.9"
    sign_in(policy, "Safari on iPad")
    click(open_page(app), "Start training")
    actions = services.current().actions
    actions.edit_run(1, name='a "run"')
    actions.request_stop(1)
    actions.delete_runs([1])
    click(app, "New sign-in link")
    access.show_on_network(False)
    access.show_on_network(True)
    access.end_other_sessions()
    visitor.become_viewer()
    with pytest.raises(access.NotAllowedError):
        actions.submit(TrainConfig())
    lines = read(places / "runs" / "audit.log")
    assert {line["from"] for line in lines} == {"10.0.0.9"}
    assert [(line["who"], line["what"], line.get("detail", "")) for line in lines] == [
        (DEVICE, "submit", "run-1"),
        (DEVICE, "edit_run", r'run-1 "a \"run\"" run-1'),
        (DEVICE, "request_stop", "run-1"),
        (DEVICE, "delete_runs", "run-1"),
        (DEVICE, "sign-in link made", ""),
        (DEVICE, "not shared any more", ""),
        (DEVICE, "shared", ""),
        (DEVICE, "signed out all others", ""),
        ("viewer", "refused", ""),
    ]
