"""The process that checks a network: nothing that the network does there reaches, or hangs, the process that asked."""

import os

import psutil
import pytest

from mnist_core.errors import ConfigError
from mnist_core.training.networks.own import checking
from tests.support.networks import TINY, TINY_PARAMETERS, tiny_source, with_forward

pytestmark = pytest.mark.fault


def test_a_version_is_checked_once(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    noisy = "import os\nos.write(1, b'out')\nos.write(2, b'err')\nprint('more')\n" + TINY
    source = tiny_source(noisy)
    assert checking.checked_parameters(source.network("Tiny")) is None
    assert checking.check_network(source, "Tiny") == TINY_PARAMETERS
    assert capfd.readouterr() == ("", "")
    monkeypatch.setattr(checking, "WORKER_MODULE", "no_such_module")
    assert checking.check_network(source, "Tiny") == TINY_PARAMETERS
    assert checking.checked_parameters(source.network("Tiny")) == TINY_PARAMETERS
    with pytest.raises(ConfigError, match="ended the process that checked it"):
        checking.check_network(tiny_source(TINY + "\n# changed"), "Tiny")


def test_a_problem_is_the_sentence_of_the_check() -> None:
    with pytest.raises(ConfigError, match="Tiny returns numbers that are no log-probabilities"):
        checking.check_network(tiny_source(with_forward("return self.out(x)")), "Tiny")


def test_a_network_that_exits_is_reported() -> None:
    text = "import os\nos._exit(7)\n" + TINY
    with pytest.raises(ConfigError, match=r"Tiny \(tiny.py, \w{8}\) ended the process that checked it \(exit code 7\)"):
        checking.check_network(tiny_source(text), "Tiny")


def test_a_network_that_waits_for_ever_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "CHECK_SECONDS", 1)
    text = with_forward("import time", "time.sleep(600)")
    with pytest.raises(ConfigError, match="did not answer in time when it was checked"):
        checking.check_network(tiny_source(text), "Tiny")


def test_processes_that_a_network_starts_are_ended_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the outer limit ends it, which also holds for a network that turns the alarm off."""
    monkeypatch.setattr(checking, "WORKER_SECONDS", 3.0)
    monkeypatch.setattr(checking, "WORKER_MODULE", "tests.support.sleeping_worker")
    monkeypatch.setenv("SLEEPER", f"{os.getpid()}-sleeper")
    with pytest.raises(ConfigError, match="did not answer in time when it was checked"):
        checking.check_network(tiny_source(), "Tiny")
    sleepers = [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if f"{os.getpid()}-sleeper" in " ".join(process.info["cmdline"] or [])
    ]
    assert all(process.wait(10) is None for process in sleepers)
