"""Forks worker processes from one that has loaded what they need, and notices when they end."""

from __future__ import annotations

import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import NoReturn

from mnist_core.system.processes import prefer_for_oom_kill


def fork_worker(work: Callable[[], object]) -> int:
    """Fork a process that does `work` and exits: with 0, or 1 if it raised an exception, which it prints.

    Returns the pid. The process has a session of its own and leaves the pipes of this one alone.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _become_worker(work)
    return pid


def _become_worker(work: Callable[[], object]) -> NoReturn:
    """Do the work in the forked child, then exit: it never returns to the loop of its parent."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        prefer_for_oom_kill()
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def open_child_exit_socket() -> socket.socket:
    """Return a socket that becomes readable when a child exits."""
    readable, writable = socket.socketpair()
    readable.setblocking(False)
    writable.setblocking(False)
    signal.set_wakeup_fd(writable.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _keep_open.append(writable)
    return readable


_keep_open: list[socket.socket] = []
"""Sockets that must stay open as long as the process: they would be closed when nothing refers to them."""
