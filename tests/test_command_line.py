"""`python -m mnist_core`: what it prints, what it exits with, and what it leaves in the store."""

import contextlib
import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mnist_core import download, presets, speed
from mnist_core.__main__ import main
from mnist_core.config import TrainConfig
from mnist_core.places import ROOT
from mnist_core.records import ProcessIdentity, Progress, RunStatus
from mnist_core.store import RunStore

Printed = pytest.CaptureFixture[str]

QUICK = ["train", "--dataset", "mnist", "--epochs", "1"]
trains_here = pytest.mark.usefixtures("small_mnist", "signals_restored")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mirror is a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{probe.getsockname()[1]}"
    monkeypatch.setenv("no_proxy", "*")
    for name, source in download.SOURCES.items():
        monkeypatch.setitem(download.SOURCES, name, dataclasses.replace(source, hosts=(closed,)))


# Training


@trains_here
def test_the_classic_scripts_lines_are_printed(capsys: Printed) -> None:
    assert main([*QUICK, "--validation-fraction", "0", "--log-interval", "2", "--no-cuda"]) == 0
    number = r"\d+\.\d{6}"
    expected = (
        rf"Train Epoch: 1 \[0/300 \(0%\)\] Loss: {number}\n"
        rf"Train Epoch: 1 \[128/300 \(40%\)\] Loss: {number}\n"
        rf"Train Epoch: 1 \[256/300 \(80%\)\] Loss: {number}\n"
        r"\nTest set: Average loss: \d\.\d{4}, Accuracy: (\d+)/100 \((\d+)%\)\n\n"
    )
    said = re.fullmatch(expected, capsys.readouterr().out)
    assert said
    assert said[1] == said[2]


@trains_here
def test_a_second_epoch_starts_counting_anew(capsys: Printed) -> None:
    main(["train", "--dataset", "mnist", "--epochs", "2", "--log-interval", "3", "--validation-fraction", "0"])
    lines = [line.split("]")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("Train")]
    assert lines == [
        f"Train Epoch: {epoch} [{seen}/300 ({share}%)" for epoch in (1, 2) for seen, share in ((0, 0), (192, 60))
    ]


@trains_here
def test_validation_is_named_as_such(capsys: Printed) -> None:
    main(QUICK)
    out = capsys.readouterr().out
    assert len(re.findall(r"^Validation set: Average loss: .*, Accuracy: \d+/30 \(\d+%\)$", out, re.M)) == 2
    assert len(re.findall(r"^Test set: Average loss: .*, Accuracy: \d+/100 \(\d+%\)$", out, re.M)) == 1


@trains_here
def test_the_run_is_in_the_store_under_its_name_with_its_settings(store: RunStore, capsys: Printed) -> None:
    flags = ["--name", "mine", "--batch-size", "100", "--lr", "0.05", "--momentum", "0", "--seed", "7", "--no-cuda"]
    assert main([*QUICK, *flags, "--test-batch-size", "50", "--save-model", "--json"]) == 0
    (run,) = store.list_runs()
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


@trains_here
def test_json_is_one_object_a_line_and_nothing_else(capsys: Printed) -> None:
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


@trains_here
@pytest.mark.parametrize("preset", ["Classic script", "classic-script"])
def test_a_preset_replaces_the_defaults_and_flags_win_over_it(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, preset: str
) -> None:
    values = {"epochs": 50, "lr": 0.3, "batch_size": 100, "save_model": False}
    monkeypatch.setitem(presets.PRESETS, "Classic script", values)
    flags = ["--dataset", "mnist", "--epochs", "1", "--lr", "0.01", "--seed", "3", "--save-model"]
    assert main(["train", "--preset", preset, *flags]) == 0
    (run,) = store.list_runs()
    assert run.config == TrainConfig(batch_size=100, epochs=1, lr=0.01, dataset="mnist", seed=3, save_model=True)


@trains_here
def test_a_flag_and_a_preset_that_do_not_go_together_exit_with_2(store: RunStore, capsys: Printed) -> None:
    assert main(["train", "--preset", "fast-99", "--momentum", "0"]) == 2
    assert capsys.readouterr().err == "Momentum must be above 0 with the optimizer nesterov, got 0.\n"
    assert store.list_runs() == []


@trains_here
@pytest.mark.parametrize("output", [[], ["--json"]])
def test_size_and_time_per_epoch_are_told_at_the_start(capsys: Printed, output: list[str]) -> None:
    main([*QUICK, *output])
    assert "Classic CNN: 431,080 parameters.\n" in capsys.readouterr().err
    speed.write({speed.speed_key("softmax", "fp32"): [5.0, 80.0]}, "cpu")  # 20 seconds for a batch of 64
    main([*QUICK, "--model", "softmax", *output])
    printed = capsys.readouterr()
    # The 270 images left for training are 4.2 batches.
    assert printed.err.count("Softmax regression: 7,850 parameters, about 1:24 per epoch here.\n") == 1
    assert "parameters" not in printed.out


def test_help_names_every_preset_with_what_it_sets(capsys: Printed) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--preset NAME" in text
    assert "classic-script: --epochs 1 --validation-fraction 0" in text
    for name in ("pytorch-example: --", "fast-99: --"):
        assert name in text


def test_help_names_every_setting_with_its_range(capsys: Printed) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", "--help"])
    assert ended.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for part in ("--batch-size", "(1 to 1024)", "--lr", "(0.0001 to 1)", "(default: 0.01)", "auto|cpu|cuda|mps"):
        assert part in text


@trains_here
def test_a_reader_that_has_seen_enough_is_no_failure(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)  # as `head` does
    out, err = os.fdopen(writer, "w"), (tmp_path / "err").open("w")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    main([*QUICK, "--json"])
    with contextlib.suppress(BrokenPipeError):
        out.close()
    err.close()
    assert "Traceback" not in (tmp_path / "err").read_text()
    (run,) = store.list_runs()
    assert not run.status.is_active
    assert run.status is not RunStatus.FAILED


# What is refused


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
        (["--seed", "9" * 400], "argument --seed: Seed must be"),
        (
            ["--preset", "slow"],
            "argument --preset: Preset must be one of Defaults, Classic script, PyTorch example, Fast 99, got 'slow'.",
        ),
    ],
)
def test_a_bad_value_exits_with_2_and_names_field_and_range(
    store: RunStore, capsys: Printed, flags: list[str], problem: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["train", *flags])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert problem in printed.err
    assert printed.out == ""
    assert store.list_runs() == []


@trains_here
def test_a_batch_larger_than_the_training_set_exits_with_2(store: RunStore, capsys: Printed) -> None:
    assert main([*QUICK, "--batch-size", "271"]) == 2
    assert "Batch size must be between 1 and 270, the number of training images" in capsys.readouterr().err
    assert [run.status for run in store.list_runs()] == [RunStatus.FAILED]


def test_a_name_that_is_taken_exits_with_2(store: RunStore, capsys: Printed) -> None:
    store.create_run(TrainConfig(), "mine")
    assert main([*QUICK, "--name", "mine"]) == 2
    assert capsys.readouterr().err == "A run named 'mine' exists already. Choose another name.\n"
    assert len(store.list_runs()) == 1


@pytest.mark.usefixtures("no_network", "signals_restored")
def test_a_dataset_that_is_not_to_be_had_exits_with_1_and_the_remedy(store: RunStore, capsys: Printed) -> None:
    assert main([*QUICK, "--json"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "MNIST is not in" in printed.err
    assert "choose the dataset mnist-5k" in printed.err
    (run,) = store.list_runs()
    assert run.status is RunStatus.FAILED
    assert run.reason in printed.err


@pytest.mark.parametrize("device", ["cuda", "mps"])
@trains_here
def test_a_device_this_machine_lacks_exits_with_2(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch, device: str
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    assert main([*QUICK, "--device", device]) == 2
    assert f"Device {device} is not available on this machine" in capsys.readouterr().err
    assert main([*QUICK, "--device", device, "--no-cuda"]) == 0


def test_a_runs_folder_that_cannot_be_written_exits_with_1(
    places: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    (places / "file").write_text("")
    monkeypatch.setenv("MNIST_RUNS_DIR", str(places / "file" / "runs"))
    assert main(["runs"]) == 1
    assert "MNIST_RUNS_DIR" in capsys.readouterr().err


@trains_here
def test_a_run_that_diverges_exits_with_1_and_the_remedy(
    store: RunStore, capsys: Printed, monkeypatch: pytest.MonkeyPatch, a_step: Callable[..., Any]
) -> None:
    monkeypatch.setattr("mnist_core.worker.train", lambda *_args, **_options: iter([a_step(1, float("nan"))]))
    assert main([*QUICK, "--json"]) == 1
    printed = capsys.readouterr()
    assert json.loads(printed.out)["loss"] is None
    assert "Loss became NaN at step 1. Choose a lower learning rate." in printed.err


# The list of runs


def test_an_empty_list_says_how_to_start(capsys: Printed) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "No runs yet. Start one with: python -m mnist_core train\n"
    main(["runs", "--json"])
    assert json.loads(capsys.readouterr().out) == []


@trains_here
def test_runs_are_listed_as_an_aligned_table(store: RunStore, capsys: Printed) -> None:
    main([*QUICK, "--name", "a long name for a run", "--lr", "0.05"])
    store.create_run(TrainConfig(), "short")
    capsys.readouterr()
    main(["runs"])
    heading, first, second = capsys.readouterr().out.splitlines()
    titles = "Run Status Dataset Batch LR Momentum Epochs Step Best val. Test acc. Test loss Img/s Time"
    assert " ".join(heading.split()) == titles
    finished = r"a long name for a run  finished  MNIST .* 64  0\.05 .* 1 .* 5/5 .*\d\d?\.\d\d % .* 0:0\d"
    assert re.fullmatch(finished, first), first
    assert re.fullmatch(r"short +queued +– +64 +0\.01 +0\.5 +3( +–){5} +0:00", second), second
    assert heading.index("Status") == first.index("finished") == second.index("queued")
    assert len(heading) == len(first) == len(second)


@trains_here
def test_runs_are_listed_as_json(capsys: Printed) -> None:
    main([*QUICK, "--name", "mine"])
    capsys.readouterr()
    main(["runs", "--json"])
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["name"], run["status"], run["dataset"], run["total_steps"]) == ("mine", "completed", "MNIST", 5)
    assert run["config"]["batch_size"] == 64
    assert run["step"] == 5
    assert 0 <= run["test_accuracy"] <= 1
    assert run["finished_at"].endswith("+00:00")


def test_a_list_with_a_diverged_run_is_valid_json(store: RunStore, capsys: Printed) -> None:
    run = store.create_run(TrainConfig(), trainer=ProcessIdentity(1, 1, "boot"))
    store.append(run, Progress(step=1, epoch=1, loss=float("inf")))
    store.finish_run(run, RunStatus.DIVERGED)
    main(["runs", "--json"])

    def refuse(constant: str) -> None:
        pytest.fail(f"{constant} is no JSON")

    (listed,) = json.loads(capsys.readouterr().out, parse_constant=refuse)
    assert listed["loss"] is None


def test_listing_runs_notices_that_a_trainer_is_gone(store: RunStore, capsys: Printed) -> None:
    run = store.create_run(TrainConfig(), trainer=ProcessIdentity(1, 1, "another boot"))
    main(["runs"])
    assert "interrupted" in capsys.readouterr().out
    assert store.get_run(run.id).reason == "Its trainer process (pid 1) is gone."


# Backups


def test_a_backup_is_a_copy_that_opens(store: RunStore, places: Path, capsys: Printed) -> None:
    store.create_run(TrainConfig(), "mine")
    copy = places / "copy" / "runs.sqlite"
    copy.parent.mkdir()
    assert main(["backup", str(copy)]) == 0
    assert capsys.readouterr().out.startswith(f"1 run was copied to {copy}. To go back to it, end the server and put ")
    opened = RunStore.open(copy.parent)
    assert [run.name for run in opened.list_runs()] == ["mine"]
    opened.close()
    assert main(["backup", str(copy)]) == 1
    assert f"{copy} exists already" in capsys.readouterr().err


# As a process of its own


@pytest.mark.usefixtures("small_mnist")
def test_ctrl_c_ends_the_run_as_interrupted_and_keeps_its_metrics(store: RunStore) -> None:
    command = [sys.executable, "-m", "mnist_core", *QUICK[:-1], "50", "--batch-size", "1", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout
        assert process.stderr
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        # Not communicate(): it would miss the lines that readline() has read ahead.
        rest, err = process.stdout.readlines(), process.stderr.read()
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "Interrupted from the keyboard (Ctrl-C)." in err
    (run,) = store.list_runs()
    assert run.status is RunStatus.INTERRUPTED
    steps = [event["step"] for event in map(json.loads, [first, *rest]) if event["event"] == "step"]
    assert steps == list(range(1, run.progress.step + 1))
    assert len(store.read_steps(run.id)) == len(steps) < run.total_steps


@trains_here
def test_ctrl_c_before_the_first_batch_leaves_an_interrupted_run_and_no_traceback(
    store: RunStore, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Importing(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "mnist_core.worker", Importing("mnist_core.worker"))
    assert main(QUICK) == 130
    assert capsys.readouterr().err.endswith("Interrupted.\n")
    (run,) = store.list_runs()
    assert (run.status, run.reason) == (RunStatus.INTERRUPTED, "Interrupted from the keyboard (Ctrl-C).")


def test_listing_runs_does_not_import_torch() -> None:
    code = (
        "import sys; from mnist_core.__main__ import main\n"
        "assert main(['runs']) == 0; assert 'torch' not in sys.modules, 'torch'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
