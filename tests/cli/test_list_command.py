"""`python -m mnist_core runs` and `backup`."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.records import ProcessIdentity, Progress, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT
from mnist_core.system.processes import own_identity
from mnist_core.system.terminal_text import display_width
from tests.support.networks import tiny_source
from tests.support.strict_json import parse_json
from tests.support.terminal import QUICK, CapturedOutput, trains_in_process

# The list of runs


def test_an_empty_list_says_how_to_start(capsys: CapturedOutput) -> None:
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "No runs yet. Start one with: python -m mnist_core train\n"
    main(["runs", "--json"])
    assert json.loads(capsys.readouterr().out) == []


@trains_in_process
def test_runs_are_listed_as_an_aligned_table(store: RunStore, capsys: CapturedOutput) -> None:
    main([*QUICK, "--name", "a long name for a run", "--lr", "0.05"])
    store.commands.create_run(TrainConfig(), "short")
    capsys.readouterr()
    main(["runs"])
    heading, first, second = capsys.readouterr().out.splitlines()
    titles = "Run Status Dataset Batch LR Momentum Epochs Step Best validation Test accuracy "
    titles += "Test loss Speed (img/s) Duration"
    assert " ".join(heading.split()) == titles
    finished = r"a long name for a run  finished  MNIST .* 64  0\.05 .* 1 .* 4/4 .*\d\d?\.\d\d % .* 0:0\d"
    assert re.fullmatch(finished, first), first
    assert re.fullmatch(r"short +queued +– +64 +0\.01 +0\.5 +3( +–){5} +0:00", second), second
    assert heading.index("Status") == first.index("finished") == second.index("queued")
    assert len(heading) == len(first) == len(second)


@trains_in_process
def test_runs_are_listed_as_json(capsys: CapturedOutput) -> None:
    main([*QUICK, "--name", "mine"])
    capsys.readouterr()
    main(["runs", "--json"])
    (run,) = json.loads(capsys.readouterr().out)
    assert (run["name"], run["status"], run["dataset"], run["total_steps"]) == ("mine", "completed", "MNIST", 4)
    assert run["config"]["batch_size"] == 64
    assert run["step"] == 4
    assert 0 <= run["test_accuracy"] <= 1
    assert run["finished_at"].endswith("+00:00")


def test_a_list_with_a_diverged_run_is_valid_json(store: RunStore, capsys: CapturedOutput) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=ProcessIdentity(1, 1, "boot"))
    progress = Progress(step=1, epoch=1, loss=float("inf"), examples_per_second=float("inf"))
    store.trainer_writes.append_steps(run, progress)
    store.trainer_writes.finish_run(run, RunStatus.DIVERGED)
    main(["runs", "--json"])
    (listed,) = parse_json(capsys.readouterr().out)
    assert (listed["loss"], listed["examples_per_second"]) == (None, None)


@pytest.mark.parametrize("command", [["runs"], ["runs", "--deleted"], ["compare", "1", "1"], ["export", "1"]])
def test_commands_that_only_read_change_no_run(
    store: RunStore, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = store.commands.create_run(TrainConfig(), trainer=replace(own_identity(), start_ticks=1))
    main(command)
    assert store.queries.get_run(run.id).revision == run.revision


# Backups


def test_a_backup_is_written_and_restored(store: RunStore, places: Path, capsys: CapturedOutput) -> None:
    store.commands.create_run(TrainConfig(), "mine")
    path = places / "my backup.zip"
    assert main(["backup", str(path)]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"1 run, 0 checkpoints and 0 models written to {path} (")
    assert output.endswith(f"Restore it with: python -m mnist_core restore '{path}'\n")
    assert main(["backup", str(path)]) == 1
    assert f"{path} exists already" in capsys.readouterr().err

    store.commands.create_run(TrainConfig(), "newer")
    store.close()
    assert main(["restore", str(path)]) == 0
    output = capsys.readouterr().out
    assert output.startswith(f"1 run, 0 checkpoints and 0 models restored from {path}.\nWhat they replace is kept in ")
    main(["runs"])
    listed = capsys.readouterr().out
    assert "mine" in listed
    assert "newer" not in listed


def test_restore_names_the_files_whose_code_a_backup_brings(
    store: RunStore, places: Path, capsys: CapturedOutput
) -> None:
    store.commands.record_network(tiny_source())
    config = TrainConfig(model=tiny_source().network("Tiny").name)
    run = store.commands.create_run(config)
    assert main(["backup", str(places / "backup.zip")]) == 0
    store.close()
    capsys.readouterr()
    assert main(["restore", str(places / "backup.zip")]) == 0
    output = capsys.readouterr().out
    assert "It holds code of users' own networks (tiny.py), which this program runs when" in output
    reopened = RunStore.open(places / "runs")
    assert reopened.queries.get_run(run.id).config == config
    reopened.queries.check_network(config.model)
    reopened.close()


def test_a_backup_without_a_name_is_in_the_runs_folder(store: RunStore, places: Path, capsys: CapturedOutput) -> None:
    assert store.queries.list_runs() == []
    assert main(["backup"]) == 0
    (path,) = (places / "runs" / "backups").iterdir()
    assert str(path) in capsys.readouterr().out


def test_restore_takes_a_number_as_a_run_and_an_existing_file_as_a_backup(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: CapturedOutput
) -> None:
    monkeypatch.chdir(tmp_path)
    run = store.commands.create_run(TrainConfig(), "mine")
    store.commands.delete_runs([run.id])
    store.close()
    for name in (str(run.id), "mine"):
        (tmp_path / name).write_text("no backup")
    assert main(["restore", "mine"]) == 1
    assert "mine cannot be restored. It is no database" in capsys.readouterr().err
    assert main(["restore", str(run.id)]) == 0
    assert capsys.readouterr().out == "mine: restored.\n"
    assert main(["restore", "nothing.zip"]) == 1
    assert "There is no file of that name either." in capsys.readouterr().err


@pytest.mark.fault
def test_listing_runs_does_not_import_torch() -> None:
    code = (
        "import sys; from mnist_core.cli.main import main\n"
        "assert main(['runs']) == 0; assert 'torch' not in sys.modules, 'torch'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def test_wide_letters_keep_the_columns_aligned(store: RunStore, capsys: CapturedOutput) -> None:
    for name in ("\u795e\u7d4c\u7db2\u8def", "plain", "cafe\u0301\u0323", "\U0001f468\u200d\U0001f469\u200d\U0001f467"):
        store.commands.create_run(TrainConfig(), name)
    main(["runs"])
    heading, *lines = capsys.readouterr().out.splitlines()
    column = heading.index("Status")
    assert {display_width(line[: line.index("queued")]) for line in lines} == {column}
    assert [display_width(line.split()[0]) for line in lines] == [8, 5, 4, 2]
