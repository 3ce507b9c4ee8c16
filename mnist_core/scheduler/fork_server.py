"""Fork server: a process that has imported torch and forks one trainer per request.

A forked trainer starts within a fraction of a second. A new process would first spend seconds on importing torch.
The supervisor starts the fork server as `python -m mnist_core.scheduler.fork_server`.

Protocol, one line per message. Requests on standard input: `<run id> <max active runs>`. Messages on standard output:
`ready`; `started <run id> <pid>`; `exited <run id> <pid> <exit code, or minus the signal>`. The run id
`CALIBRATION_RUN_ID` requests a measurement of the training speed instead of a run, `RANGE_TEST_RUN_ID` a range test,
followed by its settings as JSON, and `INFERENCE_RUN_ID` an inference process, followed by the argument of
`inference.process.serve`; numbers below `FIRST_CONTROLLER_ID` request the controller of a sweep, which imports Optuna
itself. The fork server exits when its input ends. Its trainers live on, each in a session of its own.

Nothing here may run a tensor operation: it would start OpenMP threads, and a forked child would wait for them for ever.
"""

from __future__ import annotations

import gc
import os
import selectors
import sys
from functools import partial

from mnist_core.inference.client import INFERENCE_RUN_ID
from mnist_core.inference.process import serve
from mnist_core.sweeps.control import FIRST_CONTROLLER_ID, carry_out_in_server, sweep_of_controller
from mnist_core.sweeps.race import train_queued_runs
from mnist_core.sweeps.range_test import run_requested_test
from mnist_core.sweeps.rate_zones import RANGE_TEST_RUN_ID
from mnist_core.system.forking import fork_worker, open_child_exit_socket
from mnist_core.system.machine import threads_per_trainer
from mnist_core.trainer.calibration import calibrate
from mnist_core.trainer.provenance import git_checkout
from mnist_core.trainer.speed import CALIBRATION_RUN_ID


def main() -> None:
    git_checkout()  # Cached now, while the files are still those that this process has loaded. Trainers inherit it.
    gc.freeze()  # The collector would write to, and so copy, the memory pages shared with the trainers.
    child_exits = open_child_exit_socket()
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    selector.register(child_exits, selectors.EVENT_READ)
    run_by_pid: dict[int, int] = {}
    pending = b""
    _send("ready")
    while True:
        for key, _events in selector.select():
            if key.fileobj is child_exits:
                child_exits.recv(4096)
                _report_exits(run_by_pid)
                continue
            received = os.read(sys.stdin.fileno(), 4096)
            if not received:
                return
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                number, _, argument = line.decode().partition(" ")
                run_id = int(number)
                pid = fork_worker(partial(_do_request, run_id, argument))
                run_by_pid[pid] = run_id
                _send(f"started {run_id} {pid}")


def _do_request(run_id: int, argument: str) -> None:
    """Train the run in this forked process, or do what else was requested."""
    if run_id == INFERENCE_RUN_ID:
        serve(argument)
    elif run_id == CALIBRATION_RUN_ID:
        calibrate(threads_per_trainer(int(argument)))
    elif run_id == RANGE_TEST_RUN_ID:
        run_requested_test(argument)
    elif run_id < FIRST_CONTROLLER_ID:
        carry_out_in_server(sweep_of_controller(run_id))
    else:
        train_queued_runs(run_id, int(argument))


def _report_exits(run_by_pid: dict[int, int]) -> None:
    while run_by_pid:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        _send(f"exited {run_by_pid.pop(pid)} {pid} {os.waitstatus_to_exitcode(status)}")


def _send(message: str) -> None:
    try:
        print(message, flush=True)
    except BrokenPipeError:  # The dashboard server was killed. A normal exit would try to flush the pipe again.
        os._exit(0)


if __name__ == "__main__":
    main()
