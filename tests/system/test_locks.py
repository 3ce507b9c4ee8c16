"""Locks that one process holds at a time."""

import errno
import fcntl
import os
from pathlib import Path

import pytest

from mnist_core.system import locks
from mnist_core.system.locks import lock_folder


class GivenUpError(Exception):
    pass


def test_a_second_holder_waits_and_may_give_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "POLL_SECONDS", 0.0)
    waits = 0

    def give_up_at_the_third() -> None:
        nonlocal waits
        waits += 1
        if waits == 3:
            raise GivenUpError

    with lock_folder(tmp_path) as error:
        assert error is None
        with pytest.raises(GivenUpError), lock_folder(tmp_path, give_up_at_the_third):
            pytest.fail("locked twice")
    assert waits == 3
    with lock_folder(tmp_path, give_up_at_the_third) as error:
        assert error is None
    assert list(tmp_path.iterdir()) == []


def test_an_error_within_the_block_frees_the_lock(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), lock_folder(tmp_path):
        raise ZeroDivisionError
    with lock_folder(tmp_path) as error:
        assert error is None


def test_a_file_system_without_locks_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with lock_folder(tmp_path) as error:
        assert error is not None
        assert error.errno == errno.ENOLCK
