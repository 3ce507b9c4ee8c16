"""The protocol between fork server and client: each end tested against a scripted other end."""

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus, encode_json
from mnist_core.scheduler import fork_client
from mnist_core.scheduler.fork_client import EXIT_CODE_UNKNOWN, ForkServerClient
from mnist_core.store import RunStore
from mnist_core.sweeps.rate_zones import RANGE_TEST_RUN_ID, find_zones_of
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import identify, is_alive, own_identity
from mnist_core.trainer.speed import CALIBRATION_RUN_ID, is_calibrated
from tests.support.processes import Eventually

pytestmark = [pytest.mark.fault, pytest.mark.usefixtures("small_mnist")]


FORK_SERVER = """
from mnist_core.scheduler import fork_server
from mnist_core.trainer import calibration
calibration.MEASURED_SECONDS, calibration.MODELS = 0.0, ["softmax"]
fork_server.main()
"""
"""The fork server with a calibration that takes no time."""


@pytest.fixture
def fork_server(places: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", FORK_SERVER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield process
        process.kill()


def oom_score_adjustment(pid: int) -> int:
    """How much sooner than others the kernel kills a process when memory runs out."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_a_fork_server_forks_trainers_reports_their_exit_and_ends_with_its_input(
    fork_server: subprocess.Popen[str], store: RunStore, eventually: Eventually
) -> None:
    assert fork_server.stdin
    assert fork_server.stdout
    assert fork_server.stderr

    def request(text: str) -> None:
        assert fork_server.stdin
        fork_server.stdin.write(text)
        fork_server.stdin.flush()

    def message() -> list[str]:
        assert fork_server.stdout
        return fork_server.stdout.readline().split()

    assert message() == ["ready"]

    run = store.commands.create_run(TrainConfig(dataset="mnist", epochs=1))
    request(f"{run.id}")  # a line may come in parts
    request(" 1\n")
    word, run_id, pid = message()
    assert (word, run_id) == ("started", str(run.id))
    assert message() == ["exited", run_id, pid, "0"]
    trained = store.queries.get_run(run.id)
    assert trained.status is RunStatus.COMPLETED
    assert trained.trainer
    assert trained.trainer.pid == int(pid) != fork_server.pid

    request("77 1\n")  # no such run
    word, run_id, pid = message()
    assert (word, run_id) == ("started", "77")
    assert message() == ["exited", "77", pid, "1"]

    lasting = store.commands.create_run(TrainConfig(dataset="mnist", epochs=50, batch_size=1))
    request(f"{lasting.id} 1\n")
    pid = message()[2]
    eventually(lambda: store.queries.get_run(lasting.id).progress.step)
    assert os.getsid(int(pid)) == int(pid) != os.getsid(fork_server.pid)
    if sys.platform == "linux":
        assert oom_score_adjustment(int(pid)) == 1000, "a trainer goes before what serves all runs"
        assert oom_score_adjustment(fork_server.pid) == oom_score_adjustment(os.getpid())
    fork_server.stdin.close()
    assert fork_server.wait(timeout=30) == 0
    assert store.queries.get_run(lasting.id).status is RunStatus.RUNNING  # it lives on
    store.commands.request_stop(lasting.id)
    eventually(lambda: store.queries.get_run(lasting.id).status is RunStatus.STOPPED)
    assert "There is no run 77" in fork_server.stderr.read()


def test_a_fork_server_measures_the_speed_on_request(fork_server: subprocess.Popen[str]) -> None:
    assert fork_server.stdin
    assert fork_server.stdout
    assert fork_server.stdout.readline() == "ready\n"
    fork_server.stdin.write(f"{CALIBRATION_RUN_ID} 1\n")
    fork_server.stdin.flush()
    word, run_id, pid = fork_server.stdout.readline().split()
    assert (word, run_id) == ("started", str(CALIBRATION_RUN_ID))
    assert fork_server.stdout.readline() == f"exited {CALIBRATION_RUN_ID} {pid} 0\n"
    assert is_calibrated()

    assert fork_server.stderr
    fork_server.stdout.close()  # as when the server is killed
    fork_server.stdin.write("77 1\n")
    fork_server.stdin.flush()
    assert fork_server.wait(timeout=30) == 0
    assert "BrokenPipe" not in fork_server.stderr.read()


def test_a_fork_server_tests_learning_rates_on_request(fork_server: subprocess.Popen[str]) -> None:
    config = TrainConfig(dataset="mnist", model="softmax", batch_size=30)
    assert fork_server.stdin
    assert fork_server.stdout
    assert fork_server.stdout.readline() == "ready\n"
    fork_server.stdin.write(f"{RANGE_TEST_RUN_ID} {encode_json(dataclasses.asdict(config), compact=True)}\n")
    fork_server.stdin.flush()
    word, run_id, pid = fork_server.stdout.readline().split()
    assert (word, run_id) == ("started", str(RANGE_TEST_RUN_ID))
    assert fork_server.stdout.readline() == f"exited {RANGE_TEST_RUN_ID} {pid} 0\n"
    zones = find_zones_of(config)
    assert zones is not None
    assert zones.safe_up_to is not None


class ClientHarness:
    """A `ForkServerClient` whose fork servers are scripted. Its trainers are processes that only sleep."""

    def __init__(self) -> None:
        self.exits: list[tuple[int, int]] = []
        self.processes: list[subprocess.Popen[str]] = []
        self.client = ForkServerClient(self._on_exit)
        self._outputs: list[int] = []
        self._sleepers: dict[int, subprocess.Popen[bytes]] = {}

    def _on_exit(self, run_id: int, code: int) -> None:
        self.exits.append((run_id, code))

    def popen(self, _command: list[str], **options: object) -> subprocess.Popen[str]:
        """Start `cat` instead of a fork server: it reports what the test writes, and requests are thrown away."""
        read_end, write_end = os.pipe()
        self._outputs.append(write_end)
        options |= {"stdin": read_end}
        process = REAL_POPEN(["cat"], **options)
        os.close(read_end)
        process.stdin = Path(os.devnull).open("w")  # noqa: SIM115
        self.processes.append(process)
        return process  # type: ignore[no-any-return]

    def report(self, line: str) -> None:
        """Report a line as the latest fork server."""
        os.write(self._outputs[-1], f"{line}\n".encode())

    def launch(self, run_id: int) -> int:
        """Launch a trainer and report that it started. Returns its pid."""
        self.client.launch(run_id, 1)
        sleeper: subprocess.Popen[bytes] = REAL_POPEN(["sleep", "60"])
        self._sleepers[sleeper.pid] = sleeper
        self.report(f"started {run_id} {sleeper.pid}")
        return sleeper.pid

    def kill(self, pid: int) -> None:
        """Kill a trainer without a report."""
        self._sleepers[pid].kill()
        self._sleepers[pid].wait()

    def close(self) -> None:
        for output in self._outputs:
            os.close(output)
        for process in self.processes:
            process.kill()
            process.wait()
        for pid in self._sleepers:
            self.kill(pid)
        self.client.close()


REAL_POPEN: Any = subprocess.Popen


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientHarness]:
    client_harness = ClientHarness()
    monkeypatch.setattr(subprocess, "Popen", client_harness.popen)
    yield client_harness
    client_harness.close()


def test_a_bad_line_does_not_hide_the_lines_after_it(harness: ClientHarness, eventually: Eventually) -> None:
    harness.client.start()
    for line in ("", "what", "started 1", "exited 7 7 0"):
        harness.report(line)
    pid = harness.launch(1)
    harness.report(f"exited 1 {pid} 3")
    eventually(lambda: harness.exits == [(1, 3)])
    eventually(lambda: not harness.client.run_ids)


def test_an_exit_that_cannot_be_recorded_frees_the_run(
    harness: ClientHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = harness.launch(1)
    with monkeypatch.context() as locked:
        locked.setattr(harness.client, "_on_exit", lambda *_: 1 / 0)
        harness.report(f"exited 1 {pid} 0")
        eventually(lambda: not harness.client.run_ids)
    again = harness.launch(1)
    harness.report(f"exited 1 {again} 0")
    eventually(lambda: harness.exits == [(1, 0)])


def test_the_death_of_a_fork_server_loses_only_its_own_trainers(harness: ClientHarness, eventually: Eventually) -> None:
    living = harness.launch(1)
    harness.client.launch(2, 1)  # never forked
    eventually(lambda: harness.client._trainers[0].identity)
    harness.processes[0].kill()
    eventually(lambda: harness.client._process is None)
    harness.launch(3)
    assert len(harness.processes) == 2
    harness.client.report_lost_trainers()
    assert harness.exits == [(2, EXIT_CODE_UNKNOWN)]
    assert harness.client.run_ids == {1, 3}, "1 lives on, and 3 belongs to the next fork server"
    harness.kill(living)
    harness.client.report_lost_trainers()
    assert harness.exits == [(2, EXIT_CODE_UNKNOWN), (1, EXIT_CODE_UNKNOWN)]
    assert harness.client.run_ids == {3}


def test_the_exit_of_a_detached_trainer_is_not_that_of_its_successor(
    harness: ClientHarness, eventually: Eventually
) -> None:
    first = harness.launch(1)
    eventually(lambda: harness.client._trainers[0].identity)
    harness.client.detach(1)
    assert not harness.client.run_ids
    second = harness.launch(1)
    harness.report(f"exited 1 {first} -9")
    eventually(lambda: len(harness.client._trainers) == 1)
    assert harness.exits == []
    assert harness.client.run_ids == {1}
    harness.report(f"exited 1 {second} 0")
    eventually(lambda: harness.exits == [(1, 0)])


def test_another_process_with_a_trainers_pid_is_never_signalled(
    harness: ClientHarness, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    def earlier_process(pid: int) -> object:
        return dataclasses.replace(own_identity(), pid=pid, start_ticks=1)

    monkeypatch.setattr(fork_client, "identify", earlier_process)
    pid = harness.launch(1)
    eventually(lambda: harness.client._trainers[0].identity)
    harness.client.kill(1)
    harness.report("ready")
    harness.client.end_trainers(signal.SIGTERM, 0.05)
    harness.client.end_trainers(signal.SIGKILL, 0.05)
    innocent = identify(pid)
    assert innocent
    assert is_alive(innocent)
