"""A real server, started as the README says, and a real browser."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from mnist_core import idx
from mnist_core.data import load_dataset
from mnist_core.store import RunStore

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    found = filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    path = next(found, None)
    if path is None and os.environ.get("CI"):
        pytest.fail("No Chromium or Chrome on the PATH: the journeys in a real browser cannot be tested.")
    if path is None:
        pytest.skip("No Chromium or Chrome on the PATH.")
    return {"executable_path": path, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args() -> dict[str, Any]:
    return {"viewport": {"width": 1440, "height": 900}}


@dataclass(frozen=True)
class Server:
    url: str
    store: RunStore


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all journeys, over 4,000 real digits; at the end it must go in an orderly way."""
    folder = tmp_path_factory.mktemp("server")
    digits = load_dataset("mnist-5k", runs_dir=folder / "derived")
    raw = folder / "data" / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for part, split in ((idx.TRAIN, digits.train), (idx.TEST, digits.test)):
        idx.write_pair(raw, part, split.images, split.labels)
    places = {"MNIST_RUNS_DIR": str(folder / "runs"), "MNIST_DATA_DIR": str(folder / "data")}
    port = _free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with subprocess.Popen([*command, "--server.headless", "true"], cwd=ROOT, env={**os.environ, **places}) as process:
        _wait_until_healthy(f"http://localhost:{port}/_stcore/health", process)
        store = RunStore.open(folder / "runs")
        yield Server(f"http://localhost:{port}", store)
        store.close()
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)
        _, alive = psutil.wait_procs(family, timeout=5)
        assert not alive, f"The server left processes behind: {alive}"


@pytest.fixture
def live(server: Server) -> Iterator[Server]:
    """The server; what a journey leaves running is stopped, so that the next begins with nothing in progress."""
    yield server
    unfinished = server.store.list_unfinished_runs()
    for run in reversed(unfinished):
        server.store.request_stop(run.id)
    changes = server.store.watch()
    while server.store.list_unfinished_runs():
        changes.moved()
    changes.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(address: str, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "The server ended before it answered."
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            continue
