"""Listing, comparing, editing, deleting, exporting and importing runs from a terminal."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.factories import finished_run
from tests.support.files.damage import damage_row
from tests.support.terminal import CapturedOutput


@pytest.fixture(autouse=True)
def three_runs(store: RunStore) -> None:
    finished_run(store, TrainConfig(lr=0.1), name="bold", right=range(950))
    finished_run(store, TrainConfig(lr=0.01), name="careful", right=range(900))
    finished_run(store, TrainConfig(lr=0.001), name="slow", right=range(700), status=RunStatus.STOPPED, validation=None)


def listed(capsys: CapturedOutput, *words: str) -> list[str]:
    assert main(["runs", "--json", *words]) == 0
    return [run["name"] for run in json.loads(capsys.readouterr().out)]


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        (["status=completed"], ["bold", "careful"]),
        (["status!=completed"], ["slow"]),
        (["status=finished"], ["bold", "careful"]),
        (["status=Finished"], ["bold", "careful"]),
        (["status!=finished"], ["slow"]),
        (["status~finish"], ["bold", "careful"]),
        (["status~complete"], ["bold", "careful"]),
        (["Learning rate>=0.01"], ["bold", "careful"]),
        (["Test accuracy > 0.92"], ["bold"]),
        (["duration>=0", "Duration (s)<1"], ["bold", "careful", "slow"]),
        (["lr>=0.01"], ["bold", "careful"]),
        (["lr>=0,01"], ["bold", "careful"]),
        (["lr > 0.01"], ["bold"]),
        (["lr<0.01"], ["slow"]),
        (["test_accuracy<=0.9", "lr=0.01"], ["careful"]),
        (["name~LO"], ["slow"]),
        (["starred=false", "name~o"], ["bold", "slow"]),
        (["validation_accuracy="], ["slow"]),
        (["validation_accuracy!="], ["bold", "careful"]),
        (["validation_accuracy<1"], ["bold", "careful"]),
        (["dataset=KMNIST"], []),
    ],
)
def test_runs_are_filtered_by_their_columns(capsys: CapturedOutput, filters: list[str], names: list[str]) -> None:
    assert listed(capsys, *(word for filter in filters for word in ("--filter", filter))) == names


def test_runs_are_sorted_and_those_without_a_value_come_last(capsys: CapturedOutput) -> None:
    assert listed(capsys, "--sort", "learning rate") == ["slow", "careful", "bold"]
    assert listed(capsys, "--sort", "lr") == ["slow", "careful", "bold"]
    assert listed(capsys, "--sort", "test_accuracy", "--descending") == ["bold", "careful", "slow"]
    assert listed(capsys, "--sort", "validation_accuracy", "--descending")[-1] == "slow"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--filter", "lr"], "as in lr>=0.01; got 'lr'."),
        (["--filter", "beauty=1"], "There is no column 'beauty'. Choose one of id, name, status"),
        (["--filter", "lr=fast"], "lr is a number, got 'fast'."),
        (["--filter", "starred=maybe"], "starred is true or false, got 'maybe'."),
        (["--sort", "beauty"], "There is no column 'beauty'."),
    ],
)
def test_a_filter_that_cannot_be_read_exits_with_2(capsys: CapturedOutput, words: list[str], message: str) -> None:
    assert main(["runs", *words]) == 2
    assert message in capsys.readouterr().err


def test_an_empty_table_says_why(capsys: CapturedOutput) -> None:
    main(["runs", "--filter", "name=nobody"])
    assert capsys.readouterr().out == "No run matches.\n"
    main(["runs", "--deleted"])
    assert capsys.readouterr().out == "The bin is empty.\n"


def test_two_runs_are_compared_in_words_and_numbers(capsys: CapturedOutput) -> None:
    assert main(["compare", "bold", "2"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("bold is better than careful: it gets 95.00 % against 90.00 %")
    assert "Only bold is right" in output
    assert "Note: This says which of these trained networks is better" in output


def test_groups_of_seeds_are_compared(store: RunStore, capsys: CapturedOutput) -> None:
    for number, right in enumerate((951, 953), start=2):
        finished_run(store, TrainConfig(lr=0.1, seed=number), name=f"bold-{number}", right=range(right))
        finished_run(store, TrainConfig(seed=number), name=f"careful-{number}", right=range(right - 50))
    assert main(["compare", "bold,bold-2,bold-3", "careful, careful-2, careful-3"]) == 0
    assert "right on average of 3 seeds" in capsys.readouterr().out


def test_more_than_two_runs_are_compared_in_pairs(store: RunStore, capsys: CapturedOutput) -> None:
    for lr, right in ((0.1, 950), (0.05, 900), (0.01, 899)):
        finished_run(store, TrainConfig(lr=lr), name=f"with-{lr}", right=range(right))
    assert main(["compare", "with-0.1", "with-0.05", "with-0.01"]) == 0
    output = capsys.readouterr().out
    assert output.startswith("with-0.1 is the best of these 3, with ")
    assert "Note: 3 pairs are compared, so each p-value is corrected for that (Holm)" in output
    headings, *rows = [line for line in output.splitlines() if line.startswith("  ")]
    assert headings.split("  ")[1].strip() == "A"
    assert [row.split()[-1] for row in rows] == ["with-0.1", "with-0.1", "told"]


def test_runs_that_cannot_be_compared_exit_with_1(store: RunStore, capsys: CapturedOutput) -> None:
    finished_run(store, name="other", dataset="KMNIST")
    assert main(["compare", "bold", "other"]) == 1
    assert "bold learned MNIST and other KMNIST" in capsys.readouterr().err
    assert main(["compare", "bold", "nobody"]) == 1
    assert capsys.readouterr().err.startswith("There is no run 'nobody'.")


def test_a_run_is_edited(store: RunStore, capsys: CapturedOutput) -> None:
    words = ["--name", "=brave", "--notes", "# n", "--tags", "a, b", "--star", "--archive"]
    assert main(["edit", "bold", *words]) == 0
    run = store.queries.get_run(1)
    assert (run.name, run.notes, run.tags, run.starred, run.archived) == ("=brave", "# n", ("a", "b"), True, True)
    assert main(["edit", "1", "--no-star", "--tags", ""]) == 0
    assert (store.queries.get_run(1).tags, store.queries.get_run(1).starred, store.queries.get_run(1).archived) == (
        (),
        False,
        True,
    )
    assert main(["edit", "1"]) == 2
    assert main(["edit", "1", "--name", "slow"]) == 2
    assert "A run named 'slow' exists already" in capsys.readouterr().err


def test_deleted_runs_are_in_the_bin_and_come_back(store: RunStore, capsys: CapturedOutput) -> None:
    assert main(["delete", "bold", "careful"]) == 0
    output = capsys.readouterr().out
    assert "bold: in the bin for 30 days. Undo with: python -m mnist_core restore 1" in output
    assert listed(capsys) == ["slow"]
    assert listed(capsys, "--deleted") == ["bold", "careful"]
    assert main(["restore", "1", "careful"]) == 0
    assert capsys.readouterr().out == "bold: restored.\ncareful: restored.\n"
    assert listed(capsys) == ["bold", "careful", "slow"]


def test_deleting_fails_as_a_whole(store: RunStore, capsys: CapturedOutput) -> None:
    assert main(["delete", "bold", "nobody"]) == 1
    assert len(store.queries.list_runs()) == 3


def test_deleting_a_run_in_training_says_that_it_is_stopped_first(store: RunStore, capsys: CapturedOutput) -> None:
    run = store.commands.create_run(TrainConfig(), "going", trainer=own_identity())
    assert main(["delete", "going"]) == 0
    assert "It is stopped first." in capsys.readouterr().out
    assert store.queries.get_run(run.id).status is RunStatus.STOPPING


def test_a_run_is_exported_and_imported(
    store: RunStore,
    places: Path,
    capsys: CapturedOutput,
    monkeypatch: pytest.MonkeyPatch,
    a_step: Callable[..., StepMetrics],
) -> None:
    monkeypatch.chdir(places)
    finished_run(store, name="long", steps=[a_step(step) for step in range(1, 4)])
    assert main(["export", "long", "--format", "archive"]) == 0
    assert capsys.readouterr().out == "1 run written to long-archive.zip.\n"
    assert main(["import", "long-archive.zip"]) == 0
    assert capsys.readouterr().out == "long-2: imported, finished, 3 steps.\n"
    assert main(["import", "nowhere.zip"]) == 1
    assert "There is no file nowhere.zip" in capsys.readouterr().err


def test_all_runs_are_exported_and_no_file_is_overwritten(
    places: Path, capsys: CapturedOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(places)
    assert main(["export"]) == 0
    with Path("3-runs-csv.csv").open(newline="") as file:
        assert [row["Run"] for row in csv.DictReader(file)] == ["bold", "careful", "slow"]
    assert main(["export", "--to", "3-runs-csv.csv"]) == 1
    assert "3-runs-csv.csv exists already, and an export overwrites nothing" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["-todo", "- todo", "-1", "-- no", "--To do", "=1"])
def test_free_text_may_begin_with_a_hyphen(store: RunStore, text: str) -> None:
    assert main(["edit", "bold", "--notes", text, "--tags", "-x", "--star"]) == 0
    run = store.queries.find_run("bold")
    assert (run.notes, run.tags, run.starred) == (text, ("-x",), True)
    assert main(["edit", "bold", "--name", "-todo"]) == 0
    assert main(["runs", "--filter", "-todo", "--json"]) == 2  # no filter, but no unknown flag either


def test_a_forgotten_text_does_not_take_the_next_flag_for_it(store: RunStore, capsys: CapturedOutput) -> None:
    with pytest.raises(SystemExit):
        main(["edit", "bold", "--notes", "--star"])
    assert "argument --notes: expected one argument" in capsys.readouterr().err


def test_an_export_of_all_runs_leaves_out_damaged_ones(
    store: RunStore, places: Path, capsys: CapturedOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(places)
    damage_row(places / "runs", store.queries.find_run("careful").id, "config = '{'")
    assert main(["export", "--format", "archive", "--to", "all.zip"]) == 0
    captured = capsys.readouterr()
    assert "Left out: careful is damaged and cannot be exported." in captured.err
    assert captured.out == "2 runs written to all.zip.\n"
    assert main(["export", "careful", "--format", "archive", "--to", "one.zip"]) == 1
    assert main(["delete", "careful"]) == 0
