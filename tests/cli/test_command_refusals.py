"""What the command line refuses, and with which exit code."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from tests.support.networks import TINY, with_forward, write_network
from tests.support.terminal import QUICK, CapturedOutput, trains_in_process


@trains_in_process
def test_a_flag_that_contradicts_the_preset_exits_with_2(store: RunStore, capsys: CapturedOutput) -> None:
    assert main(["train", "--preset", "fast-99", "--momentum", "0"]) == 2
    assert capsys.readouterr().err == "Momentum must be above 0 with the optimizer nesterov, got 0.\n"
    assert store.queries.list_runs() == []


@pytest.mark.parametrize(("augmentation", "shift", "expected"), [("none", "2", "0"), ("shift", "0", "above 0")])
def test_a_shift_that_contradicts_the_augmentation_exits_with_2(
    store: RunStore, capsys: CapturedOutput, augmentation: str, shift: str, expected: str
) -> None:
    assert main(["train", "--augmentation", augmentation, "--max-shift", shift]) == 2
    sentence = f"Random shift must be {expected} with augmentation {augmentation}, got {shift}.\n"
    assert capsys.readouterr().err == sentence
    assert store.queries.list_runs() == []


@pytest.mark.usefixtures("checked_here")
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (TINY.replace("class Tiny", "class Tinny"), "tiny.py has no class Tiny. It has Tinny.\n"),
        (TINY[:-20], "tiny.py has a syntax error in line 14: "),
        (with_forward("return self.out(x)"), "Tiny returns numbers that are no log-probabilities. End forward"),
        ("", "tiny.py has no class Tiny. "),
    ],
)
def test_a_network_that_cannot_be_trained_exits_with_2_and_makes_no_run(
    store: RunStore, tmp_path: Path, capsys: CapturedOutput, text: str, problem: str
) -> None:
    write_network(tmp_path, text)
    assert main(["train", "--model", f"{tmp_path}/tiny.py:Tiny"]) == 2
    assert capsys.readouterr().err.startswith(problem)
    assert store.queries.list_runs() == []


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        (["--batch-size", "0"], "argument --batch-size: Batch size must be between 1 and 1024, got 0."),
        (["--lr", "fast"], "argument --lr: Learning rate must be a number between 0.0001 and 1, got 'fast'."),
        (["--momentum=-0.1"], "argument --momentum: Momentum must be between 0 and 0.99, got -0.1."),
        (["--epochs", "51"], "argument --epochs: Epochs must be between 1 and 50, got 51."),
        (["--log-interval", "0"], "argument --log-interval: Log interval must be between 1 and 1000000, got 0."),
        (["--validation-fraction", "0.6"], "Validation fraction must be between 0 and 0.5, got 0.6."),
        (["--dataset", "imagenet"], "Dataset must be one of auto, mnist, fashion-mnist, kmnist, mnist-5k"),
        (["--model", "vgg"], "softmax, FILE.py:CLASS, got 'vgg'."),
        (["--model", "tiny.py"], "A network of your own is given as path/to/file.py:Class, got 'tiny.py'."),
        (["--seed", "9" * 400], "argument --seed: Seed must be"),
        (
            ["--preset", "slow"],
            "argument --preset: Preset must be one of Defaults, Classic script, PyTorch example, Fast 99, Fast 99.5, "
            "got 'slow'.",
        ),
    ],
)
def test_a_bad_value_exits_with_2_and_names_field_and_range(
    store: RunStore, capsys: CapturedOutput, flags: list[str], problem: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", *flags])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert problem in printed.err
    assert printed.out == ""
    assert store.queries.list_runs() == []


@trains_in_process
def test_a_batch_larger_than_the_training_set_exits_with_2(store: RunStore, capsys: CapturedOutput) -> None:
    assert main([*QUICK, "--batch-size", "271"]) == 2
    assert "Batch size must be between 1 and 270, the number of training images" in capsys.readouterr().err
    assert [run.status for run in store.queries.list_runs()] == [RunStatus.FAILED]


def test_a_name_that_is_taken_exits_with_2(store: RunStore, capsys: CapturedOutput) -> None:
    store.commands.create_run(TrainConfig(), "mine")
    assert main([*QUICK, "--name", "mine"]) == 2
    assert capsys.readouterr().err == "A run named 'mine' exists already. Choose another name.\n"
    assert len(store.queries.list_runs()) == 1


@pytest.mark.usefixtures("offline", "signals_restored")
def test_an_unavailable_dataset_exits_with_1_and_the_remedy(store: RunStore, capsys: CapturedOutput) -> None:
    assert main([*QUICK, "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "MNIST is not in" in printed.err
    assert "choose the dataset mnist-5k" in printed.err
    (run,) = store.queries.list_runs()
    assert run.status is RunStatus.FAILED
    assert run.reason in printed.err


@pytest.mark.parametrize("device", ["cuda", "mps"])
@trains_in_process
def test_a_device_this_machine_lacks_exits_with_2(
    capsys: CapturedOutput, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert main([*QUICK, "--device", device]) == 2
    assert f"Device {device} is not available on this machine" in capsys.readouterr().err
    assert main([*QUICK, "--device", device, "--no-cuda"]) == 0


def test_a_runs_folder_that_cannot_be_written_exits_with_1(
    places: Path, capsys: CapturedOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places / "file").write_text("")
    monkeypatch.setenv("MNIST_RUNS_DIR", str(places / "file" / "runs"))
    assert main(["runs"]) == 1
    assert "MNIST_RUNS_DIR" in capsys.readouterr().err


@trains_in_process
def test_a_run_that_diverges_exits_with_1_and_the_remedy(
    store: RunStore, capsys: CapturedOutput, monkeypatch: pytest.MonkeyPatch, a_step: Callable[..., Any]
) -> None:
    monkeypatch.setattr(
        "mnist_core.trainer.worker.train", lambda *_args, **_options: (event for event in [a_step(1, float("nan"))])
    )
    assert main([*QUICK, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["loss"] is None
    assert "Loss became NaN at step 1. Choose a lower learning rate." in printed.err
