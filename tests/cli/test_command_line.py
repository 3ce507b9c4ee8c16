"""`python -m mnist_core train`: its output, its exit code and its run in the store."""

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from mnist_core import presets
from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.exports.train_command import train_command
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_core.trainer import speed
from tests.support.networks import TINY, TINY_PARAMETERS, write_network
from tests.support.terminal import QUICK, CapturedOutput, trains_in_process

# Training


@trains_in_process
def test_the_classic_scripts_lines_are_printed(capsys: CapturedOutput) -> None:
    assert main([*QUICK, "--validation-fraction", "0", "--log-interval", "2", "--no-cuda"]) == 0
    number = r"\d+\.\d{6}"
    expected = (
        rf"Train Epoch: 1 \[0/300 \(0%\)\]\tLoss: {number}\n"
        rf"Train Epoch: 1 \[128/300 \(40%\)\]\tLoss: {number}\n"
        rf"Train Epoch: 1 \[256/300 \(80%\)\]\tLoss: {number}\n"
        r"\nTest set: Average loss: \d\.\d{4}, Accuracy: (\d+)/100 \((\d+)%\)\n\n"
    )
    lines = re.fullmatch(expected, capsys.readouterr().out)
    assert lines
    assert lines[1] == lines[2]


@trains_in_process
def test_a_second_epoch_counts_from_zero(capsys: CapturedOutput) -> None:
    main(["train", "--dataset", "mnist", "--epochs", "2", "--log-interval", "3", "--validation-fraction", "0"])
    lines = [line.split("]")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("Train")]
    assert lines == [
        f"Train Epoch: {epoch} [{seen}/300 ({share}%)" for epoch in (1, 2) for seen, share in ((0, 0), (192, 60))
    ]


@trains_in_process
def test_validation_is_named_as_such(capsys: CapturedOutput) -> None:
    main(QUICK)
    out = capsys.readouterr().out
    assert len(re.findall(r"^Validation set: Average loss: .*, Accuracy: \d+/30 \(\d+%\)$", out, re.M)) == 2
    assert len(re.findall(r"^Test set: Average loss: .*, Accuracy: \d+/100 \(\d+%\)$", out, re.M)) == 1


@trains_in_process
def test_the_run_is_in_the_store_under_its_name_with_its_settings(store: RunStore, capsys: CapturedOutput) -> None:
    flags = ["--name", "mine", "--batch-size", "100", "--lr", "0.05", "--momentum", "0", "--seed", "7", "--no-cuda"]
    assert main([*QUICK, *flags, "--test-batch-size", "50", "--save-model", "--json"]) == 0
    (run,) = store.queries.list_runs()
    assert (run.name, run.status) == ("mine", RunStatus.COMPLETED)
    assert run.config == TrainConfig(
        dataset="mnist",
        epochs=1,
        batch_size=100,
        lr=0.05,
        momentum=0.0,
        seed=7,
        device="cpu",
        test_batch_size=50,
        save_model=True,
    )
    assert f"Model saved to {run.model_file}." in capsys.readouterr().err
    assert Path(run.model_file).is_file()


@trains_in_process
def test_json_is_one_object_a_line_and_nothing_else(capsys: CapturedOutput) -> None:
    assert main([*QUICK, "--json", "--batch-size", "90"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(event["event"], event["step"], event.get("split")) for event in events] == [
        ("step", 1, None),
        ("step", 2, None),
        ("evaluation", 2, "validation"),
        ("step", 3, None),
        ("evaluation", 3, "validation"),
        ("evaluation", 3, "test"),
    ]
    assert set(events[0]) == {
        *("event", "step", "epoch", "loss", "accuracy", "lr", "momentum"),
        *("examples_per_second", "elapsed_seconds", "confusion"),
    }
    assert sum(map(sum, events[-1]["confusion"])) == 100


@trains_in_process
@pytest.mark.parametrize("preset", ["Classic script", "classic-script"])
def test_a_preset_replaces_the_defaults_and_flags_win_over_it(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    values = {"epochs": 50, "lr": 0.3, "batch_size": 100, "save_model": False}
    monkeypatch.setitem(presets.PRESETS, "Classic script", values)
    flags = ["--dataset", "mnist", "--epochs", "1", "--lr", "0.01", "--seed", "3", "--save-model"]
    assert main(["train", "--preset", preset, *flags]) == 0
    (run,) = store.queries.list_runs()
    assert run.config == TrainConfig(batch_size=100, epochs=1, lr=0.01, dataset="mnist", seed=3, save_model=True)


@trains_in_process
@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--max-shift", "1"], ("shift", 1)),  # as before there was a choice
        (["--augmentation", "affine"], ("affine", 2)),
        (["--augmentation", "affine", "--max-shift", "0"], ("affine", 0)),
        (["--preset", "fast-99.5", "--augmentation", "affine"], ("affine", 1)),
        (["--preset", "fast-99.5", "--augmentation", "none"], ("none", 0)),
        (["--preset", "fast-99.5", "--max-shift", "0"], ("none", 0)),
    ],
)
def test_an_augmentation_brings_a_shift_that_fits(store: RunStore, flags: list[str], expected: tuple[str, int]) -> None:
    quick = ["--dataset", "mnist", "--model", "softmax", "--epochs", "1", "--batch-size", "100"]
    assert main(["train", *flags, *quick]) == 0
    (run,) = store.queries.list_runs()
    assert (run.config.augmentation, run.config.max_shift) == expected


@trains_in_process
@pytest.mark.usefixtures("checked_here")
def test_a_network_of_the_users_own_is_named_by_its_path(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CapturedOutput
) -> None:
    monkeypatch.chdir(tmp_path)
    write_network(tmp_path / "nets", "print('hello')\n" + TINY)
    quick = ["--dataset", "mnist", "--epochs", "1", "--batch-size", "100", "--json"]
    assert main(["train", "--model", "nets/tiny.py:Tiny", *quick]) == 0
    (run,) = store.queries.list_runs()
    source = store.queries.find_network(run.config.model)
    assert source is not None
    assert (source.path, source.is_own) == (str(tmp_path / "nets/tiny.py"), True)
    output = capsys.readouterr()
    assert all(line.startswith("{") for line in output.out.splitlines())
    assert f"Tiny (tiny.py, {source.sha256[:8]}): {TINY_PARAMETERS:,} parameters." in output.err
    # The command that pages print names the recorded version.
    (tmp_path / "nets/tiny.py").unlink()
    words = shlex.split(train_command(run))
    assert main(["train", *words[words.index("train") + 1 :]]) == 0
    assert [other.config for other in store.queries.list_runs()] == [run.config] * 2


@trains_in_process
@pytest.mark.usefixtures("checked_here")
def test_a_network_is_looked_for_in_the_folder_of_networks_too(store: RunStore, places: Path) -> None:
    write_network(places / "networks")
    quick = ["--dataset", "mnist", "--epochs", "1", "--batch-size", "100"]
    assert main(["train", "--model", "tiny.py:Tiny", *quick]) == 0
    (run,) = store.queries.list_runs()
    assert run.config.model.startswith("tiny.py:Tiny@")


@trains_in_process
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_size_and_time_per_epoch_are_printed_at_the_start(capsys: CapturedOutput, output: list[str]) -> None:
    main([*QUICK, *output])
    assert "Classic CNN: 431,080 parameters.\n" in capsys.readouterr().err
    speed.save_speeds({speed.speed_key("softmax", "fp32"): [5.0, 80.0]}, "cpu")  # 20 seconds for a batch of 64
    main([*QUICK, "--model", "softmax", *output])
    printed = capsys.readouterr()
    # The 270 images left for training are 4.2 batches.
    assert printed.err.count("Softmax regression: 7,850 parameters, about 1:24 per epoch here.\n") == 1
    assert "parameters" not in printed.out


def test_help_names_every_preset_with_what_it_sets(capsys: CapturedOutput) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--preset NAME" in text
    assert "classic-script: --epochs 1 --validation-fraction 0" in text
    for name in ("pytorch-example: --", "fast-99: --", "fast-99.5: --"):
        assert name in text
    assert presets.DESCRIPTIONS["Fast 99"] in text


def test_help_names_every_setting_with_its_range(capsys: CapturedOutput) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(["train", "--help"])
    assert exit_info.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in ("--batch-size", "(1 to 1024)", "--lr", "(0.0001 to 1)", "(default: 0.01)", "auto|cpu|cuda|mps"):
        assert part in text


# As a process of its own


@pytest.mark.fault
@pytest.mark.usefixtures("small_mnist")
@pytest.mark.parametrize(
    ("number", "exit_code", "reason"),
    [
        (signal.SIGINT, 130, "Interrupted from the keyboard (Ctrl-C)."),
        (signal.SIGTERM, 143, "Its process was asked to end (SIGTERM)."),
    ],
)
def test_a_signal_ends_the_run_as_interrupted_and_keeps_its_metrics(
    store: RunStore, number: signal.Signals, exit_code: int, reason: str
) -> None:
    command = [sys.executable, "-m", "mnist_core", *QUICK[:-1], "50", "--batch-size", "1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        process.send_signal(number)
        # Not communicate(): it would miss the lines that readline() has read ahead.
        rest, err = process.stdout.readlines(), process.stderr.read()
    assert process.returncode == exit_code
    assert "Traceback" not in err
    assert reason in err
    (run,) = store.queries.list_runs()
    assert (run.status, run.reason) == (RunStatus.INTERRUPTED, reason)
    steps = [event["step"] for event in map(json.loads, [first, *rest]) if event["event"] == "step"]
    assert steps == list(range(1, run.progress.step + 1))
    assert len(store.queries.read_steps(run.id)) == len(steps) < run.total_steps


@trains_in_process
def test_ctrl_c_before_the_first_batch_leaves_an_interrupted_run_and_no_traceback(
    store: RunStore, capsys: CapturedOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Importing(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "mnist_core.trainer.worker", Importing("mnist_core.trainer.worker"))
    assert main(QUICK) == 130
    assert capsys.readouterr().err.endswith("Interrupted.\n")
    (run,) = store.queries.list_runs()
    assert (run.status, run.reason) == (RunStatus.INTERRUPTED, "Interrupted from the keyboard (Ctrl-C).")
