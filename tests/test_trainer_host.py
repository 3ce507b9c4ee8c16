"""The host's protocol, spoken to by hand."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.places import ROOT
from mnist_core.records import RunStatus
from mnist_core.speed import CALIBRATION, is_measured
from mnist_core.store import RunStore

pytestmark = pytest.mark.usefixtures("small_mnist")


@pytest.fixture
def host(places: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "mnist_core.trainer_host"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        yield process
        process.kill()


def test_a_host_forks_trainers_reports_their_exit_and_ends_with_its_input(
    host: subprocess.Popen[str], store: RunStore, eventually: Callable[[Callable[[], object]], None]
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

    run = store.create_run(TrainConfig(dataset="mnist", epochs=1))
    say(f"{run.id}")  # a line may come in parts
    say(" 1\n")
    word, run_id, pid = heard()
    assert (word, run_id) == ("started", str(run.id))
    assert heard() == ["exited", str(run.id), "0"]
    trained = store.get_run(run.id)
    assert trained.status is RunStatus.COMPLETED
    assert trained.trainer
    assert trained.trainer.pid == int(pid) != host.pid

    say("77 1\n")  # no such run
    assert heard()[:2] == ["started", "77"]
    assert heard() == ["exited", "77", "1"]

    lasting = store.create_run(TrainConfig(dataset="mnist", epochs=50, batch_size=1))
    say(f"{lasting.id} 1\n")
    pid = heard()[2]
    eventually(lambda: store.get_run(lasting.id).progress.step)
    assert os.getsid(int(pid)) == int(pid) != os.getsid(host.pid)
    host.stdin.close()
    assert host.wait(timeout=30) == 0
    assert store.get_run(lasting.id).status is RunStatus.RUNNING  # it lives on
    store.request_stop(lasting.id)
    eventually(lambda: store.get_run(lasting.id).status is RunStatus.STOPPED)
    assert "There is no run 77" in host.stderr.read()


def test_a_host_measures_the_speed_under_the_id_that_no_run_has(host: subprocess.Popen[str]) -> None:
    assert host.stdin
    assert host.stdout
    assert host.stdout.readline() == "ready\n"
    host.stdin.write(f"{CALIBRATION} 1\n")
    host.stdin.flush()
    assert host.stdout.readline().startswith(f"started {CALIBRATION} ")
    assert host.stdout.readline() == f"exited {CALIBRATION} 0\n"
    assert is_measured()
