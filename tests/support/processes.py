"""Servers, fork servers and trainers that tests start as processes, and the signals of the tests' own process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from mnist_core.data.datasets import Dataset
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from tests.support.factories import write_mnist

Eventually = Callable[[Callable[[], object]], None]
"""Waits until a condition holds; see the fixture `eventually`."""

ELSEWHERE = "classroom.test"
"""A host name of the server. Requests to it count as requests from another machine."""


@contextlib.contextmanager
def isolated_folders(folder: Path, digits: Dataset) -> Iterator[Path]:
    """`data`, with the digits as MNIST, and `runs`, for many tests: a fork server keeps those it started with.

    A process that is left at the end is killed, and is an error: no process may outlive the tests.
    """
    write_mnist(folder / "data", digits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_DATA_DIR", str(folder / "data"))
        patch.setenv("MNIST_RUNS_DIR", str(folder / "runs"))
        yield folder
        kill_remaining(folder / "runs")


END_SECONDS = 10.0
"""Time that processes get to end by themselves once their server has ended."""


def processes_of(runs: Path) -> list[psutil.Process]:
    """Return all living processes that were started for this runs folder, whatever their parents."""
    processes = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                processes += [process] if process.environ().get("MNIST_RUNS_DIR") == str(runs) else []
    return processes


def kill_remaining(runs: Path) -> None:
    """Kill all remaining processes of this runs folder, and fail if there were any.

    Some end by themselves a moment after their server, such as a trial server that still imports torch.
    """
    _ended, left = psutil.wait_procs(processes_of(runs), timeout=END_SECONDS)
    for process in left:
        process.kill()
    assert not left, "a process was left behind"


# Servers


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(server: subprocess.Popen[Any], address: str) -> bool:
    """Return whether a server responds at this address. Fail if it has ended."""
    assert server.poll() is None, "The server ended before it answered."
    try:
        with urllib.request.urlopen(address, timeout=1):
            return True
    except OSError:
        return False


@dataclass(frozen=True)
class Server:
    url: str
    folder: Path
    store: RunStore
    process: subprocess.Popen[bytes]

    @property
    def url_elsewhere(self) -> str:
        return self.url.replace("localhost", ELSEWHERE)


@contextlib.contextmanager
def running_server(folder: Path, data: Path, eventually: Eventually) -> Iterator[Server]:
    """Start the server as in the README, on a free port. Kill it at the end if it is still running."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    places = {"MNIST_RUNS_DIR": str(folder), "MNIST_DATA_DIR": str(data), "MNIST_HOSTS": ELSEWHERE}
    process = subprocess.Popen([*command, "--server.headless", "true"], cwd=ROOT, env={**os.environ, **places})
    try:
        eventually(lambda: answers(process, f"http://localhost:{port}/_stcore/health"))
        store = RunStore.open(folder)
        yield Server(f"http://localhost:{port}", folder, store, process)
        store.close()
    finally:
        if process.poll() is None:
            for left in psutil.Process(process.pid).children(recursive=True):
                left.kill()
            process.kill()
            process.wait()


def end_server(server: Server) -> None:
    """End the server by SIGTERM. It must end soon, together with all its processes."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    assert children, "The server started no fork server."
    server.process.send_signal(signal.SIGTERM)
    server.process.wait(timeout=10)
    _, alive = psutil.wait_procs(children, timeout=5)
    assert not alive, f"The server left processes behind: {alive}"


@contextlib.contextmanager
def restored_signals() -> Iterator[None]:
    """Restore the handlers of SIGINT, SIGTERM and SIGHUP at the end, which a trainer in this process replaces."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, handlers, strict=True):
        signal.signal(number, handler)
