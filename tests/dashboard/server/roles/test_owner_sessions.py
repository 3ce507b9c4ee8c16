"""One-time codes and the sessions that they begin."""

from __future__ import annotations

import os
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mnist_core.errors import MnistError
from mnist_dashboard.server.roles.owner_sessions import SESSION_SECONDS, USE_SECONDS, OwnerSessions


@pytest.fixture
def sessions(tmp_path: Path) -> OwnerSessions:
    return OwnerSessions(tmp_path / "owner")


def sign_in(sessions: OwnerSessions, device: str = "Firefox", previous_token: str = "") -> str:
    token = sessions.sign_in(sessions.create_code(60), device, previous_token)
    assert token
    return token


def set_last_use(sessions: OwnerSessions, tmp_path: Path, token: str, seconds_ago: float) -> None:
    session = sessions.find(token)
    assert session
    moment = time.time() - seconds_ago
    os.utime(tmp_path / "owner" / "sessions" / session.id, (moment, moment))


def test_no_secret_is_on_the_disk_and_all_of_it_is_private(sessions: OwnerSessions, tmp_path: Path) -> None:
    code, token = sessions.create_code(60), sign_in(sessions)
    for path in (tmp_path / "owner").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
        assert code not in path.name
        assert token not in path.name
        assert path.is_dir() or not {code, token} & set(path.read_text().split('"'))
    assert len(code) >= 22  # 128 bits
    assert len(token) >= 43  # 256 bits


def test_a_code_signs_in_one_browser_however_many_try_at_once(sessions: OwnerSessions) -> None:
    with ThreadPoolExecutor(4) as threads:
        for _ in range(20):
            code = sessions.create_code(60)
            tokens = list(threads.map(sessions.sign_in, [code] * 4, ["Firefox"] * 4))
            assert sum(token is not None for token in tokens) == 1


@pytest.mark.parametrize("code", ["", "x", "../sessions", "\0", "\udc80", "a" * 100_000])
def test_other_texts_are_no_codes_and_no_tokens(sessions: OwnerSessions, code: str) -> None:
    sign_in(sessions)
    assert sessions.sign_in(code, "Firefox") is None
    assert not sessions.is_pending(code)
    assert not sessions.is_signed_in(code)
    assert sessions.find(code) is None


def test_a_code_expires_and_leaves_nothing_behind(sessions: OwnerSessions, tmp_path: Path) -> None:
    expired = sessions.create_code(-1)
    assert not sessions.is_pending(expired)
    assert sessions.sign_in(expired, "Firefox") is None
    sessions.create_code(-1)
    sessions.create_code(60)
    assert len(list((tmp_path / "owner" / "codes").iterdir())) == 1


def test_sessions_outlive_a_restart_and_are_shared_by_servers(sessions: OwnerSessions, tmp_path: Path) -> None:
    token = sign_in(sessions)
    other = OwnerSessions(tmp_path / "owner")
    assert other.is_signed_in(token)
    other.end_all()
    assert not sessions.is_signed_in(token)


def test_a_session_ends_long_after_its_last_use(sessions: OwnerSessions, tmp_path: Path) -> None:
    token = sign_in(sessions)
    set_last_use(sessions, tmp_path, token, SESSION_SECONDS - 10)
    assert sessions.is_signed_in(token)  # which is a use
    found = sessions.find(token)
    assert found
    assert time.time() - found.last_used_at.timestamp() < 10
    set_last_use(sessions, tmp_path, token, SESSION_SECONDS + 10)
    assert not sessions.is_signed_in(token)
    assert sessions.list_sessions() == []


def test_the_last_use_is_not_written_each_time(sessions: OwnerSessions, tmp_path: Path) -> None:
    token = sign_in(sessions)
    set_last_use(sessions, tmp_path, token, USE_SECONDS / 2)
    before = sessions.find(token)
    assert sessions.is_signed_in(token)
    assert sessions.find(token) == before


def test_signing_in_again_replaces_the_session_and_keeps_the_name(sessions: OwnerSessions) -> None:
    first = sign_in(sessions)
    session = sessions.find(first)
    assert session
    sessions.rename(session, "Ana")
    second = sign_in(sessions, previous_token=first)
    assert [session.name for session in sessions.list_sessions()] == ["Ana"]
    assert not sessions.is_signed_in(first)
    assert sessions.is_signed_in(second)


def test_names_are_told_apart(sessions: OwnerSessions) -> None:
    for _ in range(3):
        sign_in(sessions, "Chrome on Linux")
    names = sorted(session.name for session in sessions.list_sessions())
    assert names == ["Chrome on Linux", "Chrome on Linux 2", "Chrome on Linux 3"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"name": 1}', b'{"name": "x", "created_at": "y"}', b"\xff"])
def test_a_damaged_file_is_no_session_in_the_list(sessions: OwnerSessions, tmp_path: Path, content: bytes) -> None:
    sign_in(sessions)
    [path] = (tmp_path / "owner" / "sessions").iterdir()
    path.write_bytes(content)
    assert sessions.list_sessions() == []


def test_a_code_that_cannot_be_saved_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "owner").write_text("in the way")
    with pytest.raises(MnistError, match="cannot be written"):
        OwnerSessions(tmp_path / "owner").create_code(60)
