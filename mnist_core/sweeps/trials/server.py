"""Trial server: a process that has imported torch and loaded the dataset, and forks one for each run of a sweep.

A controller starts it as `python -m mnist_core.sweeps.trials.server DATASET`. Each run trains with one thread, so as
many of them as there are cores do not slow each other down.

Protocol, one line per message. Requests on standard input: a `TrialJob` as JSON. Messages on standard output: `ready`;
`exited <trial> <seed> <exit code, or minus the signal>`. It exits when its input ends, as when the controller is
killed. Its runs train on, each in a session of its own, and the next controller adopts them.

Nothing here may run a tensor operation: it would start OpenMP threads, and a forked child would wait for them for ever.
"""

from __future__ import annotations

import contextlib
import gc
import os
import selectors
import sys
from functools import partial

import torch

from mnist_core.data.datasets import Dataset, load_dataset
from mnist_core.errors import MnistError
from mnist_core.store import RunStore
from mnist_core.sweeps.trials.processes import SWEEP_INTERRUPTED, TrialJob
from mnist_core.system.forking import fork_worker, open_child_exit_socket
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity
from mnist_core.trainer.provenance import git_checkout
from mnist_core.trainer.retries import retry_while_locked
from mnist_core.trainer.worker import train_run


def main(dataset_name: str) -> None:
    git_checkout()  # Cached now; the forked processes inherit it.
    dataset = _load(dataset_name)
    gc.freeze()  # The collector would write to, and so copy, the memory pages shared with the forked processes.
    child_exits = open_child_exit_socket()
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    selector.register(child_exits, selectors.EVENT_READ)
    jobs: dict[int, TrialJob] = {}
    pending = b""
    _send("ready")
    while True:
        for key, _events in selector.select():
            if key.fileobj is child_exits:
                child_exits.recv(4096)
                _report_exits(jobs)
                continue
            received = os.read(sys.stdin.fileno(), 65536)
            if not received:
                return
            *lines, pending = (pending + received).split(b"\n")
            for line in lines:
                job = TrialJob.from_json(line)
                jobs[fork_worker(partial(_train, job, dataset))] = job


def _load(name: str) -> Dataset | None:
    """Return the dataset; None if it cannot be loaded: each run then tries it, and its error is that of the run."""
    try:
        return load_dataset(name)
    except MnistError:
        return None


def _train(job: TrialJob, dataset: Dataset | None) -> None:
    """Train the run of a job in this forked process, unless there is nothing to train any more."""
    torch.set_num_threads(1)
    store = RunStore.open(runs_dir())
    run = retry_while_locked(
        lambda: store.sweeps.begin_run(
            job.sweep_id,
            job.trial,
            attempt=job.attempt,
            config=job.config,
            trainer=own_identity(),
            name=job.name,
        )
    )
    if run:
        with contextlib.suppress(MnistError):  # It is recorded in the store.
            train_run(store, run, sigterm_reason=SWEEP_INTERRUPTED, data=dataset)


def _report_exits(jobs: dict[int, TrialJob]) -> None:
    while jobs:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        job = jobs.pop(pid)
        _send(f"exited {job.trial} {job.seed} {os.waitstatus_to_exitcode(status)}")


def _send(message: str) -> None:
    try:
        print(message, flush=True)
    except BrokenPipeError:  # The controller was killed. A normal exit would try to flush the pipe again.
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
