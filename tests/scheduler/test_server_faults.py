"""The server, started by `streamlit run app.py`, ends in every possible way while a run trains and pages listen.

There is no browser: a page is a reader of the live feed.
"""

import os
import pty
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPResponse
from pathlib import Path

import pytest

from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from tests.support.factories import write_mnist
from tests.support.processes import Eventually, answers, free_port, processes_of

pytestmark = [pytest.mark.browser, pytest.mark.fault]

LONG = TrainConfig(dataset="mnist", epochs=50, batch_size=1, device="cpu")
CLOSED = "The server was closed while it was training."
EXIT_SECONDS = 30.0  # long, since other processes may use the cores

IN_A_TERMINAL = """
import os, signal, sys
os.login_tty(int(sys.argv[1]))
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.execv(sys.argv[2], sys.argv[2:])
"""
"""Runs a command in a session of its own, with the terminal given by its file descriptor.

SIGHUP gets its default handler, since children inherit that of `nohup` if the tests run under it.
"""


@dataclass
class Server:
    """A server with its own runs folder and terminal."""

    runs: Path
    data: Path
    store: RunStore = field(init=False)
    process: subprocess.Popen[bytes] = field(init=False)
    terminal: int = -1
    feeds: list[HTTPResponse] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = RunStore.open(self.runs)
        self.port = free_port()

    def start(self) -> None:
        if self.terminal >= 0:
            os.close(self.terminal)
        self.terminal, shell_side = pty.openpty()
        command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", IN_A_TERMINAL, str(shell_side), *command, "--server.headless", "true"],
            cwd=ROOT,
            env={**os.environ, "MNIST_RUNS_DIR": str(self.runs), "MNIST_DATA_DIR": str(self.data)},
            pass_fds=[shell_side],
        )
        os.close(shell_side)

    def answers(self) -> bool:
        return answers(self.process, f"http://localhost:{self.port}/_stcore/health")

    def listen(self, run: Run) -> None:
        """Read the feed of a run up to its first event, as a page does, and keep it open."""
        feed = urllib.request.urlopen(f"http://localhost:{self.port}/live?runs={run.id}", timeout=10)
        assert feed.readline()
        self.feeds.append(feed)

    def ask_stopped_network(self, run: Run) -> None:
        """Ask about the network of a run, stop the process that answers, and leave another question waiting."""
        address = f"http://localhost:{self.port}/inference/filters?run={run.id}&step=1"
        with urllib.request.urlopen(address, timeout=20) as response:
            assert response.read()
        assert run.trainer
        (inference,) = (
            process
            for process in processes_of(self.runs)
            if process.ppid() != self.process.pid and process.pid not in (self.process.pid, run.trainer.pid)
        )
        inference.suspend()
        waiting = socket.create_connection(("localhost", self.port))
        waiting.sendall(f"GET {address} HTTP/1.1\r\nHost: localhost:{self.port}\r\n\r\n".encode())
        self.sockets.append(waiting)

    def close(self) -> None:
        for waiting in self.sockets:
            waiting.close()
        for feed in self.feeds:
            feed.close()
        left = processes_of(self.runs)
        for process in left:
            process.kill()
        self.process.wait()
        if self.terminal >= 0:
            os.close(self.terminal)
        self.store.close()
        assert not left, f"processes were left behind: {left}"


def ctrl_c(server: Server) -> None:
    os.killpg(server.process.pid, signal.SIGINT)


def close_the_terminal(server: Server) -> None:
    os.close(server.terminal)
    server.terminal = -1


ENDINGS = {"Ctrl-C": ctrl_c, "the terminal is closed": close_the_terminal}


@pytest.fixture(scope="module")
def servers(
    tmp_path_factory: pytest.TempPathFactory, digits: Dataset, eventually: Eventually
) -> Iterator[dict[str, Server]]:
    """One server for each test, all started at the same time, since starting is most of the time."""
    folder = tmp_path_factory.mktemp("servers")
    write_mnist(folder / "data", digits)
    with ExitStack() as stack:
        started = {name: Server(folder / name, folder / "data") for name in (*ENDINGS, "SIGKILL")}
        for server in started.values():
            server.start()
            stack.callback(server.close)
        for server in started.values():
            eventually(server.answers)
        yield started


@pytest.fixture
def training(eventually: Eventually) -> Callable[[Server], Run]:
    """A function that has a server train a run and waits until it does."""

    def begin(server: Server) -> Run:
        run_id = server.store.commands.create_run(LONG).id
        eventually(lambda: server.store.queries.get_run(run_id).progress.step > 3)
        return server.store.queries.get_run(run_id)

    return begin


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_server_that_ends_saves_its_run_and_leaves_no_process(
    servers: dict[str, Server], training: Callable[[Server], Run], ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = servers[ending]
    run = training(server)
    for _ in range(3):
        server.listen(run)
    server.ask_stopped_network(run)
    ENDINGS[ending](server)
    server.process.wait(timeout=EXIT_SECONDS)
    assert processes_of(server.runs) == []
    interrupted = server.store.queries.get_run(run.id)
    assert (interrupted.status, interrupted.reason) == (RunStatus.INTERRUPTED, CLOSED)
    last = interrupted.progress.step
    assert len(server.store.queries.read_steps(run.id)) == last >= run.progress.step
    monkeypatch.setenv("MNIST_RUNS_DIR", str(server.runs))
    assert last in list_checkpoints(checkpoints_dir(run))


def test_a_trainer_survives_a_killed_server_and_the_next_server_adopts_it(
    servers: dict[str, Server], training: Callable[[Server], Run], eventually: Eventually
) -> None:
    server = servers["SIGKILL"]
    run = training(server)
    assert run.trainer
    trainer = run.trainer
    server.ask_stopped_network(run)
    server.process.kill()
    server.process.wait()
    eventually(lambda: [process.pid for process in processes_of(server.runs)] == [trainer.pid])  # no fork server
    server.start()
    eventually(server.answers)
    server.listen(run)
    before = server.store.queries.get_run(run.id)
    eventually(lambda: server.store.queries.get_run(run.id).progress.step > before.progress.step)
    going_on = server.store.queries.get_run(run.id)
    assert (going_on.status, going_on.attempt, going_on.trainer) == (RunStatus.RUNNING, 1, trainer)
    server.process.terminate()  # as `kill` and containers do
    server.process.wait(timeout=EXIT_SECONDS)
    assert processes_of(server.runs) == []
    interrupted = server.store.queries.get_run(run.id)
    assert (interrupted.status, interrupted.reason) == (RunStatus.INTERRUPTED, CLOSED)
    assert len(server.store.queries.read_steps(run.id)) == interrupted.progress.step > before.progress.step
