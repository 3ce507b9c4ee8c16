"""A real `streamlit run app.py`, runs that train on it, and what the store and the live feed show of them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from benchmarks.lib.measure import classic_config
from mnist_core.config import TrainConfig
from mnist_core.records import Run, RunStatus
from mnist_core.scheduler.fork_client import FORK_SERVER_MODULE
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_core.trainer import speed

FIRST_STEP_POLL_SECONDS = 0.002
"""Interval at which the store is asked for the first step; each time takes 0.1 ms."""

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Server:
    """A server that answers, and its store."""

    address: str
    store: RunStore
    process: psutil.Process
    ready_seconds: float
    """From the command to the first answer."""
    runs: Path
    """The folder of the store."""

    def cpu_seconds(self) -> float:
        """Return the CPU time that the server's process has used, without its trainers."""
        return float(sum(self.process.cpu_times()[:2]))


@contextmanager
def running_server(runs: Path, max_runs: int | None = None, open_files: str | None = None) -> Iterator[Server]:
    """Start the server with the README's command and the store in the folder `runs`.

    `max_runs` is how many runs train at once, and `open_files` the limits on open files, soft and hard, as prlimit(1)
    takes them; None leaves either as it is.
    """
    port = free_port()
    address = f"http://localhost:{port}"
    streamlit = str(Path(sys.executable).with_name("streamlit"))
    command = [streamlit, "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    environment = {**os.environ, "MNIST_RUNS_DIR": str(runs), "MNIST_TRUST_LOCAL": "1"}
    if open_files is not None:
        command = ["prlimit", f"--nofile={open_files}", *command]
    if max_runs is not None:
        environment["MNIST_MAX_RUNS"] = str(max_runs)
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            while not answers(address):
                if process.poll() is not None:
                    raise SystemExit("The server ended before it answered.")
                time.sleep(POLL_SECONDS)
            ready_seconds = time.perf_counter() - began
            store = RunStore.open(runs)
            yield Server(address, store, psutil.Process(process.pid), ready_seconds, runs)
            store.close()
        finally:
            process.send_signal(signal.SIGTERM)


def free_port() -> int:
    """Return a TCP port that nothing uses on any address, not even a connection that was closed a moment ago."""
    with socket.socket() as probe:
        probe.bind(("", 0))
        return int(probe.getsockname()[1])


def answers(address: str) -> bool:
    """Return whether a server at this address is ready."""
    with suppress(OSError), urllib.request.urlopen(f"{address}/_stcore/health", timeout=1):
        return True
    return False


@contextmanager
def warm_server(max_runs: int = 1) -> Iterator[Server]:
    """Start a server with an empty store in a temporary folder, and train once: its fork server has imported torch.

    Sets `MNIST_RUNS_DIR`, for commands that are started later.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        speed.save_speeds({}, "cpu")  # otherwise an idle server calibrates while something else is timed
        with running_server(Path(folder), max_runs) as server:
            train_on_server(server, classic_config(model="softmax"))
            yield server


class RestartableServer:
    """`streamlit run app.py` on one port, which can be killed and started again."""

    def __init__(self) -> None:
        self._port = free_port()
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self._port)]
        self.process = subprocess.Popen(
            [*command, "--server.headless", "true"], cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
        )

    def answers(self) -> bool:
        return answers(f"http://localhost:{self._port}")

    def fork_servers(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            children = psutil.Process(self.process.pid).children()
            return [child for child in children if FORK_SERVER_MODULE in child.cmdline()]
        return []

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def shut_down(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(timeout=10)


def started_processes() -> list[psutil.Process]:
    """Return the living processes, other than this one, that were started for this runs folder."""
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid == os.getpid() or process.status() == psutil.STATUS_ZOMBIE:
                continue
            if process.environ().get("MNIST_RUNS_DIR") == os.environ["MNIST_RUNS_DIR"]:
                processes.append(process)
    return processes


@dataclass
class FeedTimes:
    """When the live feed sent the first step and the last evaluation of some runs, by `time.perf_counter`."""

    first_step_at: float = 0.0
    last_evaluation_at: float = 0.0
    runs: list[Run] = field(default_factory=list)
    """The runs, as they were when they had ended."""

    @property
    def seconds(self) -> float:
        return self.last_evaluation_at - self.first_step_at

    @property
    def images_per_second(self) -> float:
        return sum(run.train_images * run.config.epochs for run in self.runs) / self.seconds


def train_on_server(server: Server, *configs: TrainConfig) -> FeedTimes:
    """Queue runs and follow them through the live feed until all have completed."""
    times = FeedTimes()
    unfinished = {server.store.commands.create_run(config).id for config in configs}
    run_ids = ",".join(map(str, unfinished))
    with urllib.request.urlopen(f"{server.address}/live?runs={run_ids}&smoothing=0.9") as stream:
        kind = ""
        for line in stream:
            if line.startswith(b"event: "):
                kind = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                data = json.loads(line[6:])
                if kind == "steps" or (kind == "history" and data["step"]):
                    times.first_step_at = times.first_step_at or time.perf_counter()
                elif kind == "evaluation":
                    times.last_evaluation_at = time.perf_counter()
                elif kind == "run" and data["id"] in unfinished and RunStatus(data["status"]).is_finished:
                    unfinished.remove(data["id"])
                    times.runs.append(server.store.queries.get_run(data["id"]))
                    assert times.runs[-1].status is RunStatus.COMPLETED, times.runs[-1].reason
            if not unfinished:
                return times
    raise AssertionError("the live feed ended before the run")


class FirstStepWatcher(threading.Thread):
    """Watches the store until a new step is there; `seen_at` is the Unix time."""

    def __init__(self, store: RunStore) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._cursor = store.queries.latest_cursor()
        self.seen_at = 0.0
        self.start()

    def run(self) -> None:
        watch = self._store.queries.watch()
        while not self.seen_at:
            if watch.has_new_commits() and self._store.queries.read_changes(self._cursor).steps:
                self.seen_at = time.time()
            time.sleep(FIRST_STEP_POLL_SECONDS)
        watch.close()


def stop_latest_run(store: RunStore) -> float:
    """Stop the latest run and wait until it has ended; returns the Unix time at which a trainer claimed it."""
    run = store.queries.latest_run()
    assert run
    store.commands.request_stop(run.id)
    while not (run := store.queries.get_run(run.id)).status.is_finished:
        time.sleep(POLL_SECONDS)
    assert run.started_at
    return run.started_at.timestamp()


def memory_gigabytes(pid: int) -> dict[str, float]:
    """Return the memory of a process by kind, such as `Rss` and `Pss`; empty if the process is gone. Linux only.

    `Pss` divides shared memory among the processes that share it.
    """
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        return {kind.rstrip(":"): int(kilobytes) * 1024 / 1e9 for kind, kilobytes, *_ in map(str.split, lines)}
    return {}
