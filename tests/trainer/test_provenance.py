"""The provenance of a run, and reruns from it."""

import dataclasses
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from mnist_core import __version__
from mnist_core.analysis.reproducibility import first_difference
from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import checksum
from mnist_core.exports.train_command import train_command
from mnist_core.records import Adjustment, Command, Event, Run, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer import provenance
from mnist_core.trainer.worker import train_run
from mnist_core.training.train_state import TrainState

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

CONFIG = TrainConfig(model="softmax", batch_size=30, epochs=2, lr=0.05, seed=3, device="cpu")


@pytest.fixture
def trained(store: RunStore) -> Run:
    return train_run(store, store.commands.create_run(CONFIG, "first", trainer=own_identity()))


def test_a_run_records_its_provenance(store: RunStore, trained: Run, digits: Dataset) -> None:
    recorded = trained.provenance
    assert recorded
    assert (recorded.seed, recorded.dataset, recorded.device, recorded.precision) == (3, "MNIST", "cpu", "fp32")
    assert recorded.threads == trained.threads >= 1
    assert recorded.packages["numpy"] == np.__version__
    assert recorded.python == sys.version.split()[0]
    assert recorded.dataset_checksum == checksum(digits.train, digits.test) != recorded.test_checksum
    labels = store.queries.test_labels(recorded.test_checksum)
    assert labels is not None
    assert labels.tolist() == digits.test.labels.tolist()


@pytest.fixture
def checkout(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A checkout of a repository with one commit, which replaces this one."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    subprocess.run([*git, "commit", "-q", "--allow-empty", "-m", "first"], check=True)
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    provenance.git_checkout.cache_clear()
    yield tmp_path
    provenance.git_checkout.cache_clear()


def test_a_run_records_the_commit_of_its_checkout(checkout: Path, trained: Run) -> None:
    head = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert trained.provenance
    assert (trained.provenance.commit, trained.provenance.is_dirty) == (head, False)


def test_a_run_records_that_its_checkout_has_changes_in_no_commit(checkout: Path, digits: Dataset) -> None:
    (checkout / "new.py").touch()
    assert provenance.collect_provenance(CONFIG, digits, device="cpu", threads=1).is_dirty


@pytest.mark.parametrize("folder", ["installed", "../elsewhere"])
def test_outside_a_checkout_there_is_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    (checkout / folder).mkdir()
    monkeypatch.setattr(provenance, "ROOT", checkout / folder)
    assert provenance.git_checkout() == ("", False)


def test_outside_a_checkout_the_version_is_recorded(monkeypatch: pytest.MonkeyPatch, digits: Dataset) -> None:
    monkeypatch.setattr(provenance, "git_checkout", lambda: ("0123abc", False))
    assert "mnist-trainer" not in provenance.collect_provenance(CONFIG, digits, device="cpu", threads=1).packages
    monkeypatch.setattr(provenance, "git_checkout", lambda: ("", False))
    assert (
        provenance.collect_provenance(CONFIG, digits, device="cpu", threads=1).packages["mnist-trainer"] == __version__
    )


def test_the_command_line_trains_the_same_run(store: RunStore, trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    threads, *words = shlex.split(train_command(trained))
    assert words[:4] == ["python", "-m", "mnist_core", "train"]
    monkeypatch.setenv(*threads.split("="))
    assert main([*words[3:], "--name", "again"]) == 0
    again = store.queries.find_run("again")
    assert again.config == dataclasses.replace(CONFIG, dataset="mnist")
    assert first_difference(store.queries, trained, again) is None


# Reruns


@pytest.mark.fault
def test_a_rerun_is_the_same_to_the_last_bit(store: RunStore, trained: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rerun", "first"]) == 0
    assert f"run-2 is first to the last bit: {trained.progress.step} steps." in capsys.readouterr().err
    assert store.queries.get_run(2).config == CONFIG


@pytest.mark.usefixtures("commit_every_event")
def test_a_steered_run_is_rerun_with_its_changes(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    run = store.commands.create_run(CONFIG, "steered", trainer=own_identity())

    def steer(event: Event) -> None:
        if isinstance(event, StepMetrics) and event.step == 4:
            store.commands.send_command(run.id, Command.ADJUST, Adjustment(lr=0.2), by="test")

    assert train_run(store, run, steer).interventions
    assert main(["rerun", "steered"]) == 0
    assert "is steered to the last bit" in capsys.readouterr().err


def test_a_rerun_that_differs_says_from_which_step_and_what_has_changed(
    store: RunStore, trained: Run, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    initial = TrainState.initial
    monkeypatch.setattr(TrainState, "initial", lambda config: initial(dataclasses.replace(config, seed=99)))
    monkeypatch.setattr(provenance, "processor_name", lambda: "another processor")
    assert main(["rerun", "first"]) == 1
    output = capsys.readouterr().err
    assert "run-2 differs from first from step 1 on." in output
    assert "processor: " in output
    assert "another processor now" in output
