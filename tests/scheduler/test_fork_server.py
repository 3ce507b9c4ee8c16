"""The host's protocol: the host spoken to by hand, then the supervisor's end spoken to by a scripted host."""

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
from mnist_core.records import RunStatus
from mnist_core.scheduler import fork_client
from mnist_core.scheduler.fork_client import FORK_SERVER_LOST, ForkServerClient
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import identify, is_alive, own_identity
from mnist_core.trainer.speed import CALIBRATION_RUN_ID, is_calibrated
from tests.support.processes import Eventually

pytestmark = pytest.mark.usefixtures("small_mnist")


FORK_SERVER = """
from mnist_core.scheduler import fork_server
from mnist_core.trainer import calibration
calibration.MEASURED_SECONDS = 0.0
fork_server.main()
"""
"""The fork server with a calibration that takes no time."""


@pytest.fixture
def host(places: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", FORK_SERVER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield process
        process.kill()


def first_to_be_killed(pid: int) -> int:
    """By how much a process goes before others when memory runs out."""
    return int(Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_a_host_forks_trainers_reports_their_exit_and_ends_with_its_input(
    host: subprocess.Popen[str], store: RunStore, eventually: Eventually
) -> None:
    assert host.stdin
    assert host.stdout
    assert host.stderr

    def say(text: str) -> None:
        assert host.stdin
        host.stdin.write(text)
        host.stdin.flush()

    def heard() -> list[str]:
        assert host.stdout
        return host.stdout.readline().split()

    assert heard() == ["ready"]

    run = store.commands.create_run(TrainConfig(dataset="mnist", epochs=1))
    say(f"{run.id}")  # a line may come in parts
    say(" 1\n")
    word, run_id, pid = heard()
    assert (word, run_id) == ("started", str(run.id))
    assert heard() == ["exited", run_id, pid, "0"]
    trained = store.queries.get_run(run.id)
    assert trained.status is RunStatus.COMPLETED
    assert trained.trainer
    assert trained.trainer.pid == int(pid) != host.pid

    say("77 1\n")  # no such run
    word, run_id, pid = heard()
    assert (word, run_id) == ("started", "77")
    assert heard() == ["exited", "77", pid, "1"]

    lasting = store.commands.create_run(TrainConfig(dataset="mnist", epochs=50, batch_size=1))
    say(f"{lasting.id} 1\n")
    pid = heard()[2]
    eventually(lambda: store.queries.get_run(lasting.id).progress.step)
    assert os.getsid(int(pid)) == int(pid) != os.getsid(host.pid)
    if sys.platform == "linux":
        assert first_to_be_killed(int(pid)) == 1000, "a trainer goes before what serves all runs"
        assert first_to_be_killed(host.pid) == first_to_be_killed(os.getpid())
    host.stdin.close()
    assert host.wait(timeout=30) == 0
    assert store.queries.get_run(lasting.id).status is RunStatus.RUNNING  # it lives on
    store.commands.request_stop(lasting.id)
    eventually(lambda: store.queries.get_run(lasting.id).status is RunStatus.STOPPED)
    assert "There is no run 77" in host.stderr.read()


def test_a_host_measures_the_speed_under_the_id_that_no_run_has(host: subprocess.Popen[str]) -> None:
    assert host.stdin
    assert host.stdout
    assert host.stdout.readline() == "ready\n"
    host.stdin.write(f"{CALIBRATION_RUN_ID} 1\n")
    host.stdin.flush()
    word, run_id, pid = host.stdout.readline().split()
    assert (word, run_id) == ("started", str(CALIBRATION_RUN_ID))
    assert host.stdout.readline() == f"exited {CALIBRATION_RUN_ID} {pid} 0\n"
    assert is_calibrated()

    assert host.stderr
    host.stdout.close()  # as when the server is killed
    host.stdin.write("77 1\n")
    host.stdin.flush()
    assert host.wait(timeout=30) == 0
    assert "BrokenPipe" not in host.stderr.read()


class Scripted:
    """A `ForkServerClient` over scripted processes; its trainers are processes that do nothing."""

    def __init__(self) -> None:
        self.exits: list[tuple[int, int]] = []
        self.processes: list[subprocess.Popen[str]] = []
        self.host = ForkServerClient(self._note)
        self._mouths: list[int] = []
        self._sleepers: dict[int, subprocess.Popen[bytes]] = {}

    def _note(self, run_id: int, code: int) -> None:
        self.exits.append((run_id, code))

    def popen(self, _command: list[str], **options: object) -> subprocess.Popen[str]:
        """In place of the host: `cat`, whose input is the test's to write to; what it is asked is thrown away."""
        ear, mouth = os.pipe()
        self._mouths.append(mouth)
        options |= {"stdin": ear}
        process = REAL_POPEN(["cat"], **options)
        os.close(ear)
        process.stdin = Path(os.devnull).open("w")  # noqa: SIM115
        self.processes.append(process)
        return process  # type: ignore[no-any-return]

    def say(self, line: str) -> None:
        os.write(self._mouths[-1], f"{line}\n".encode())

    def launch(self, run_id: int) -> int:
        """Have a trainer launched, and say that it was; returns its pid."""
        self.host.launch(run_id, 1)
        sleeper: subprocess.Popen[bytes] = REAL_POPEN(["sleep", "60"])
        self._sleepers[sleeper.pid] = sleeper
        self.say(f"started {run_id} {sleeper.pid}")
        return sleeper.pid

    def end(self, pid: int) -> None:
        """Kill a trainer, and have nobody say so."""
        self._sleepers[pid].kill()
        self._sleepers[pid].wait()

    def close(self) -> None:
        for mouth in self._mouths:
            os.close(mouth)
        for process in self.processes:
            process.kill()
            process.wait()
        for pid in self._sleepers:
            self.end(pid)
        self.host.close()


REAL_POPEN: Any = subprocess.Popen


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    made = Scripted()
    monkeypatch.setattr(subprocess, "Popen", made.popen)
    yield made
    made.close()


def test_a_line_that_cannot_be_acted_on_does_not_silence_the_host(scripted: Scripted, eventually: Eventually) -> None:
    scripted.host.start()
    for line in ("", "what", "started 1", "exited 7 7 0"):
        scripted.say(line)
    pid = scripted.launch(1)
    scripted.say(f"exited 1 {pid} 3")
    eventually(lambda: scripted.exits == [(1, 3)])
    eventually(lambda: not scripted.host.run_ids)


def test_an_exit_that_cannot_be_recorded_frees_the_run_for_whoever_looks_next(
    scripted: Scripted, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = scripted.launch(1)
    with monkeypatch.context() as locked:
        locked.setattr(scripted.host, "_exited", lambda *_: 1 / 0)
        scripted.say(f"exited 1 {pid} 0")
        eventually(lambda: not scripted.host.run_ids)
    again = scripted.launch(1)
    scripted.say(f"exited 1 {again} 0")
    eventually(lambda: scripted.exits == [(1, 0)])


def test_a_dead_host_speaks_for_its_own_trainers_only(scripted: Scripted, eventually: Eventually) -> None:
    living = scripted.launch(1)
    scripted.host.launch(2, 1)  # never forked
    eventually(lambda: scripted.host._trainers[0].identity)
    scripted.processes[0].kill()
    eventually(lambda: scripted.host._process is None)
    scripted.launch(3)
    assert len(scripted.processes) == 2
    scripted.host.report_lost_trainers()
    assert scripted.exits == [(2, FORK_SERVER_LOST)]
    assert scripted.host.run_ids == {1, 3}, "1 lives on, and 3 is its successor's"
    scripted.end(living)
    scripted.host.report_lost_trainers()
    assert scripted.exits == [(2, FORK_SERVER_LOST), (1, FORK_SERVER_LOST)]
    assert scripted.host.run_ids == {3}


def test_the_end_of_an_abandoned_trainer_is_not_taken_for_its_successors(
    scripted: Scripted, eventually: Eventually
) -> None:
    first = scripted.launch(1)
    eventually(lambda: scripted.host._trainers[0].identity)
    scripted.host.abandon(1)
    assert not scripted.host.run_ids
    second = scripted.launch(1)
    scripted.say(f"exited 1 {first} -9")
    eventually(lambda: len(scripted.host._trainers) == 1)
    assert scripted.exits == []
    assert scripted.host.run_ids == {1}
    scripted.say(f"exited 1 {second} 0")
    eventually(lambda: scripted.exits == [(1, 0)])


def test_a_program_that_has_a_trainers_pid_by_now_is_never_signalled(
    scripted: Scripted, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_it_was(pid: int) -> object:
        return dataclasses.replace(own_identity(), pid=pid, start_ticks=1)

    monkeypatch.setattr(fork_client, "identify", as_it_was)
    pid = scripted.launch(1)
    eventually(lambda: scripted.host._trainers[0].identity)
    scripted.host.kill(1)
    scripted.say("ready")
    scripted.host.end_trainers(signal.SIGTERM, 0.05)
    scripted.host.end_trainers(signal.SIGKILL, 0.05)
    innocent = identify(pid)
    assert innocent
    assert is_alive(innocent)
