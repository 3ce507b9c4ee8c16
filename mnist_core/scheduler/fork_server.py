"""A process that has torch imported and forks one trainer per request, so that a click trains within a fraction of a
second instead of after seconds of imports. Started by the supervisor as `python -m mnist_core.scheduler.fork_server`.

Protocol, a line each. In: `<run id> <max active runs>`. Out: `ready`; `started <run id> <pid>`;
`exited <run id> <pid> <exit code, or minus the signal>`. Under the id `CALIBRATION_RUN_ID`, which no run has, a process
measures how fast this machine trains. When its input ends, the host ends; trainers it has forked live on in sessions
of their own.

Nothing here may run a tensor operation: it would start OpenMP threads, and a forked child would wait for them for ever.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import socket
import sys
import traceback
from typing import NoReturn

from mnist_core.system.machine import threads_per_trainer
from mnist_core.system.processes import prefer_for_oom_kill
from mnist_core.trainer.calibration import calibrate
from mnist_core.trainer.provenance import git_checkout
from mnist_core.trainer.speed import CALIBRATION_RUN_ID
from mnist_core.trainer.worker import train_queued_run


def main() -> None:
    git_checkout()
    gc.freeze()  # keeps the collector from touching, and so copying, the pages shared with every trainer
    child_ended = _wake_on_child_exit()
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    selector.register(child_ended, selectors.EVENT_READ)
    run_by_pid: dict[int, int] = {}
    pending = b""
    _reply("ready")
    while True:
        for key, _events in selector.select():
            if key.fileobj is child_ended:
                child_ended.recv(4096)
                _reap(run_by_pid)
                continue
            received = os.read(sys.stdin.fileno(), 4096)
            if not received:
                return
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                run_id, max_active = map(int, line.split())
                pid = _fork_trainer(run_id, max_active)
                run_by_pid[pid] = run_id
                _reply(f"started {run_id} {pid}")


def _fork_trainer(run_id: int, max_active: int) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        _become_trainer(run_id, max_active)
    return pid


def _become_trainer(run_id: int, max_active: int) -> NoReturn:
    """In the child: a session of its own, no share in the host's pipes, and never back into the host's loop."""
    code = 1
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(2, 1)
        prefer_for_oom_kill()
        if run_id == CALIBRATION_RUN_ID:
            calibrate(threads_per_trainer(max_active))
        else:
            train_queued_run(run_id, max_active)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _wake_on_child_exit() -> socket.socket:
    ours, signals = socket.socketpair()
    ours.setblocking(False)
    signals.setblocking(False)
    signal.set_wakeup_fd(signals.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    _keep_open.append(signals)
    return ours


_keep_open: list[socket.socket] = []


def _reap(run_by_pid: dict[int, int]) -> None:
    while run_by_pid:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        _reply(f"exited {run_by_pid.pop(pid)} {pid} {os.waitstatus_to_exitcode(status)}")


def _reply(line: str) -> None:
    try:
        print(line, flush=True)
    except BrokenPipeError:  # the server was killed, and nothing can be flushed to it at exit
        os._exit(0)


if __name__ == "__main__":
    main()
