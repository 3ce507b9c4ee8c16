"""Which process is which: an identity that survives pid reuse and clock changes."""

from __future__ import annotations

import os
from pathlib import Path

import psutil

from mnist_core.records import ProcessIdentity

_PROC = Path("/proc")


def own_identity() -> ProcessIdentity:
    """The identity of the calling process."""
    return ProcessIdentity(os.getpid(), _start_ticks(os.getpid()) or 0, _boot_id())


def is_alive(process: ProcessIdentity) -> bool:
    """Whether that very process still runs; a zombie, or another process under the same pid, does not count."""
    return process.boot_id == _boot_id() and _start_ticks(process.pid) == process.start_ticks


def _start_ticks(pid: int) -> int | None:
    """When a process started, in clock ticks since boot (proc(5), `stat` field 22); None if it is gone or a zombie."""
    if not _PROC.is_dir():
        return _start_milliseconds(pid)
    try:
        # The name, field 2, is in parentheses and may hold spaces and parentheses itself.
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(fields[18])


def _start_milliseconds(pid: int) -> int | None:
    """The same where there is no /proc, such as macOS; there it moves with the wall clock."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time() * 1000)
    except psutil.NoSuchProcess:
        return None


def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(round(psutil.boot_time()))
