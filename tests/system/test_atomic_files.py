"""Files that are replaced whole or not at all."""

import errno
import os
import stat
import time
from pathlib import Path

import pytest

from mnist_core.system.atomic_files import (
    ABANDONED_SECONDS,
    atomic_path,
    is_disk_full,
    remove_leftovers,
    write_atomically,
)
from mnist_core.system.processes import own_identity


def test_a_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        write_atomically(tmp_path / "file", content)
        assert (tmp_path / "file").read_bytes() == content
        assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_temporary_file_lies_in_the_same_folder(tmp_path: Path) -> None:
    with atomic_path(tmp_path / "file") as temporary:
        assert temporary.parent == tmp_path
        temporary.touch()


def test_an_error_while_writing_keeps_the_old_file_and_leaves_no_other(tmp_path: Path) -> None:
    def write_half() -> None:
        with atomic_path(tmp_path / "file") as temporary:
            temporary.write_bytes(b"half")
            raise ZeroDivisionError

    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(ZeroDivisionError):
        write_half()
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO])
def test_an_error_while_flushing_keeps_the_old_file_and_leaves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match=os.strerror(code)) as caught:
        write_atomically(tmp_path / "file", b"new")
    assert is_disk_full(caught.value) is (code == errno.ENOSPC)
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_file_is_flushed_before_it_is_confirmed_and_the_folder_after_it_is_renamed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    flush = os.fsync

    def record(descriptor: int) -> None:
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        steps.append(f"flush {kind}, exists: {(tmp_path / 'file').exists()}")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write_atomically(tmp_path / "file", b"new", confirm=lambda: steps.append("confirm"))
    assert steps == ["flush file, exists: False", "confirm", "flush folder, exists: True"]


def test_a_file_system_that_cannot_flush_a_folder_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse_folders(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse_folders)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_private_file_is_private_from_the_start(tmp_path: Path) -> None:
    modes: list[int] = []

    def note_mode() -> None:
        modes.extend(stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir())

    umask = os.umask(0)
    try:
        write_atomically(tmp_path / "secret", b"key", confirm=note_mode)
    finally:
        os.umask(umask)
    assert modes == [0o600]
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_leftovers_of_killed_processes_are_removed(tmp_path: Path) -> None:
    own = own_identity()
    place = f"{own.boot_id}.{own.host}.{own.pid_namespace}"
    alive = tmp_path / f".0123abcd.{own.pid}.{own.start_ticks}.{place}.tmp"
    dead = tmp_path / f".0123abcd.{own.pid}.{own.start_ticks - 1}.{place}.tmp"
    foreign = tmp_path / "notes.by.hand.tmp"
    for path in (alive, dead, foreign):
        path.touch()
    remove_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == {alive, foreign}


def test_leftovers_of_processes_that_cannot_be_seen_from_here_go_after_a_day(tmp_path: Path) -> None:
    own = own_identity()
    unseen = [
        tmp_path / f".0123abcd.{own.pid}.{own.start_ticks - 1}.{own.boot_id}.{own.host}.4026539999.tmp",
        tmp_path / f".0123abcd.{own.pid}.{own.start_ticks - 1}.{own.boot_id}.another-host.{own.pid_namespace}.tmp",
        tmp_path / f"step-00000009.ckpt.{own.pid}.{own.start_ticks - 1}.{own.boot_id}.tmp",  # of an older version
    ]
    for path in unseen:
        path.touch()
    remove_leftovers(tmp_path)
    assert set(tmp_path.iterdir()) == set(unseen)
    for path in unseen:
        os.utime(path, (0, time.time() - ABANDONED_SECONDS - 1))
    remove_leftovers(tmp_path)
    assert not any(tmp_path.iterdir())
