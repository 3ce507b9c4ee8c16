"""Processes: an identity that survives pid reuse and clock changes, signals, processor time, memory pressure."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil

from mnist_core.records import ProcessIdentity

_PROC = Path("/proc")


def own_identity() -> ProcessIdentity:
    """The identity of the calling process."""
    return ProcessIdentity(os.getpid(), _start_ticks(os.getpid()) or 0, _boot_id())


def identify(pid: int) -> ProcessIdentity | None:
    """The identity of whoever has a pid now; None if nobody has, or only a zombie."""
    ticks = _start_ticks(pid)
    return None if ticks is None else ProcessIdentity(pid, ticks, _boot_id())


def is_alive(process: ProcessIdentity) -> bool:
    """Whether that very process still runs; a zombie, or another process under the same pid, does not count."""
    return process.boot_id == _boot_id() and _start_ticks(process.pid) == process.start_ticks


def send_signal(process: ProcessIdentity, number: signal.Signals) -> bool:
    """Signal that very process; False, and nobody is signalled, if it has ended or its pid is another's by now."""
    try:
        if sys.platform != "linux":
            alive = is_alive(process)
            if alive:
                os.kill(process.pid, number)
            return alive
        handle = os.pidfd_open(process.pid)
        try:
            # Asked once the handle is held: whom it stands for cannot change any more, as it could with a pid.
            alive = is_alive(process)
            if alive:
                signal.pidfd_send_signal(handle, number)
            return alive
        finally:
            os.close(handle)
    except ProcessLookupError:
        return False


def cpu_seconds(process: ProcessIdentity) -> float:
    """Processor time a process has used; it stands still while the process is stopped or waits. 0 if it is gone."""
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def prefer_for_oom_kill() -> None:
    """Where memory runs out, have the kernel kill this process before the others: a run is lost, and not the server.

    Everybody may raise this number of their own; -1000 to 1000 are added to the permille of memory that is used.
    https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html
    """
    with contextlib.suppress(OSError):  # only Linux has it
        (_PROC / "self/oom_score_adj").write_text("1000")


def count_oom_kills(root: Path = Path("/")) -> int:
    """How many processes of our own control group the kernel has killed because memory ran out; 0 where it counts none.

    Both versions of control groups keep the count, in files of different names; one version's file lacks in the other.
    https://docs.kernel.org/admin-guide/cgroup-v2.html#memory-interface-files
    """
    kills = 0
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, group = line.split(":", 2)
            for name in ("memory.events", "memory.oom_control"):
                with contextlib.suppress(OSError):
                    counts = (root / "sys/fs/cgroup" / controllers / group.lstrip("/") / name).read_text().splitlines()
                    kills += sum(int(count) for key, count in map(str.split, counts) if key == "oom_kill")
    return kills


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
