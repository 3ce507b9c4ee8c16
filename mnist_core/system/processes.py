"""Process identities that survive pid reuse and clock changes; signals, processor time, out-of-memory kills."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import signal
import sys
from functools import cache
from pathlib import Path

import psutil

from mnist_core.records import ProcessIdentity

_PROC = Path("/proc")
_PR_SET_PDEATHSIG = 1


def own_identity() -> ProcessIdentity:
    """Return the identity of the calling process."""
    return _identity(os.getpid(), _start_ticks(os.getpid()) or 0)


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of the process with this pid; None if there is none, or only a zombie."""
    ticks = _start_ticks(pid)
    return None if ticks is None else _identity(pid, ticks)


def is_alive(process: ProcessIdentity) -> bool:
    """Whether this process is known to run; a zombie, or another process with the same pid, does not count.

    False also for one that cannot be seen from here, such as one in another container: it may run all the same.
    """
    is_seen = process.boot_id == _boot_id() and (process.host is None or _shares_pids(process))
    return is_seen and _start_ticks(process.pid) == process.start_ticks


def is_gone(process: ProcessIdentity) -> bool:
    """Whether this process has ended for certain: it was on this host, and its pid can be judged from here.

    Nothing is certain about processes on another host or in another PID namespace.
    """
    if process.host != _host():
        return False
    has_restarted = process.boot_id != _boot_id()
    return has_restarted or (_shares_pids(process) and not is_alive(process))


def send_signal(process: ProcessIdentity, number: signal.Signals) -> bool:
    """Send a signal to this process. Returns False, without sending, if it has ended or its pid was reused."""
    try:
        if sys.platform != "linux":
            alive = is_alive(process)
            if alive:
                os.kill(process.pid, number)
            return alive
        handle = os.pidfd_open(process.pid)
        try:
            # Check after opening the handle: unlike a pid, it always refers to the same process.
            alive = is_alive(process)
            if alive:
                signal.pidfd_send_signal(handle, number)
            return alive
        finally:
            os.close(handle)
    except ProcessLookupError:
        return False


def cpu_seconds(process: ProcessIdentity) -> float:
    """Return the processor time a process has used, which does not grow while it waits; 0 if it has ended."""
    try:
        times = psutil.Process(process.pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def lower_priority(niceness: int) -> None:
    """Let other processes go first: the calling thread, threads that it starts, and this process's session.

    Where Linux shares the processor between sessions first (`sched_autogroup_enabled`, as on most desktops), the
    niceness of a thread counts within its session only, and trainers have sessions of their own. Of a session, each
    process may set the niceness. https://man7.org/linux/man-pages/man7/sched.7.html
    """
    os.nice(niceness)
    _set_session_niceness(niceness)


def restore_session_priority() -> None:
    """Undo what `lower_priority` has done to the session: it may be that of a terminal, which stays."""
    _set_session_niceness(0)


def _set_session_niceness(niceness: int) -> None:
    with contextlib.suppress(OSError):  # only Linux has it, and not everywhere
        (_PROC / "self/autogroup").write_text(str(niceness))


def prefer_for_oom_kill() -> None:
    """If memory runs out, make the kernel kill this process first, so that it costs one run rather than the server.

    The kernel adds this number, -1000 to 1000, to the used memory in permille; any process may raise its own.
    https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html
    """
    with contextlib.suppress(OSError):  # only Linux has it
        (_PROC / "self/oom_score_adj").write_text("1000")


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that forked it ends. Only Linux can.

    https://man7.org/linux/man-pages/man2/pr_set_pdeathsig.2const.html
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def count_oom_kills(root: Path = Path("/")) -> int:
    """Return how many processes in this control group were killed for lack of memory; 0 if the kernel does not count.

    Versions 1 and 2 of control groups keep the count in files of different names.
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
    """Return a process's start in clock ticks since boot (proc(5), `stat` field 22); None if ended or a zombie."""
    if not _PROC.is_dir():
        return _start_milliseconds(pid)
    try:
        # Field 2, the name in parentheses, may contain spaces and parentheses.
        state, *fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else int(fields[18])


def _start_milliseconds(pid: int) -> int | None:
    """Return the start in milliseconds where there is no /proc, as on macOS; it moves with the wall clock."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else round(process.create_time() * 1000)
    except psutil.NoSuchProcess:
        return None


def _identity(pid: int, start_ticks: int) -> ProcessIdentity:
    return ProcessIdentity(pid, start_ticks, _boot_id(), _host(), _pid_namespace())


def _shares_pids(process: ProcessIdentity) -> bool:
    own = _pid_namespace()
    return own is not None and (process.host, process.pid_namespace) == (_host(), own)


@cache
def _host() -> str:
    """Return an identifier of this host or container. The machine-id itself must stay private: see machine-id(5)."""
    try:
        machine = Path("/etc/machine-id").read_text()
    except OSError:
        machine = ""
    return hashlib.sha256(f"{machine.strip()} {os.uname().nodename}".encode()).hexdigest()[:16]


def _pid_namespace() -> str | None:
    """Return the number of this process's PID namespace; "" without /proc, None if /proc belongs to another namespace.

    https://man7.org/linux/man-pages/man7/pid_namespaces.7.html
    """
    if not _PROC.is_dir():
        return ""
    try:
        if str((_PROC / "self").readlink()) != str(os.getpid()):
            return None
        return str((_PROC / "self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        return None


def _boot_id() -> str:
    try:
        return (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return str(round(psutil.boot_time()))
