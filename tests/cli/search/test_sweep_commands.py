"""The commands `sweep` and `sweeps`, as typed into a terminal, without training."""

import json
from pathlib import Path

import pytest

from mnist_core.cli.main import main
from mnist_core.cli.search import sweep_command
from mnist_core.records import SweepStatus, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity
from tests.support.files.damage import execute
from tests.support.networks import TINY
from tests.support.scripted_trials import GONE

pytestmark = pytest.mark.usefixtures("signals_restored")

SPEC = SweepSpec(parameters=(Range("lr", 0.001, 1.0, log=True),), trials=4)


def add_sweep(store: RunStore, *results: float | None, ends: bool = True) -> None:
    """Add a sweep with trials that have these results; None stands for a pruned one."""
    sweep = store.sweeps.claim_sweep(control.create(store, SPEC, "rates").id, GONE)
    for number, result in enumerate(results, 1):
        trial = store.sweeps.add_trial(sweep, TrialRole.SEARCH, {"lr": number / 100}, {})
        status = TrialStatus.PRUNED if result is None else TrialStatus.COMPLETED
        store.sweeps.end_trial(sweep, trial, status, value=result)
    if ends:
        store.sweeps.end_sweep(sweep, SweepStatus.COMPLETED)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--trials", "3"], "A sweep needs a setting to search"),
        (["--lr", "0.1", "--trials", "3"], "A sweep needs a setting to search"),
        (["--lr", "0.01:1"], "A sweep needs an end"),
        (["--lr", "0.01:1", "--trials", "0"], "Trials must be between 1 and 100000, got 0."),
        (["--lr", "0.01:1:5", "--sampler", "random", "--trials", "3", "--pruner", "best"], "Pruner must be one of"),
        (["--momentum", "0:0.9", "--optimizer", "sgd,nesterov", "--trials", "3"], "which do not fit"),
    ],
)
def test_a_sweep_that_cannot_be_carried_out_is_one_sentence(
    arguments: list[str], problem: str, store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["sweep", *arguments]) == 2
    errors = capsys.readouterr().err
    assert problem in errors or "there momentum must be above 0" in errors
    assert len(errors.splitlines()) == 1
    assert store.sweeps.list_sweeps() == []


@pytest.mark.usefixtures("checked_here")
def test_networks_of_ones_own_are_searched_by_the_path_of_their_file(
    store: RunStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sweep_command, "carry_out", lambda _store, _sweep, json: 0)
    (tmp_path / "tiny.py").write_text(TINY)
    network = f"{tmp_path}/tiny.py:Tiny"
    assert main(["sweep", "--model", f"softmax,{network}", "--trials", "3"]) == 0
    assert main(["sweep", "--model", network, "--lr", "0.01:0.1", "--trials", "3"]) == 0
    searched, fixed = (sweep.spec for sweep in store.sweeps.list_sweeps())
    first, second = searched["parameters"]["model"]
    assert (first, second.split("@")[0], fixed["fixed"]["model"]) == ("softmax", "tiny.py:Tiny", second)
    assert main(["sweep", "--model", f"softmax,{tmp_path}/none.py:Tiny", "--trials", "3"]) == 2
    assert "none.py" in capsys.readouterr().err


def test_an_empty_range_is_refused_with_its_flag(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["sweep", "--lr", "1:0.1", "--trials", "3"])
    assert "argument --lr: The range of the learning rate must begin below its end" in capsys.readouterr().err


def test_sweeps_are_listed_with_their_best(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    add_sweep(store, 0.9, None, 0.95)
    assert main(["sweeps"]) == 0
    header, line = capsys.readouterr().out.splitlines()
    assert header.split() == ["Sweep", "Status", "Trials", "Best", "Duration"]
    assert line.split() == ["rates", "finished", "3/4", "95.00\u202f%", "0:00"] or "95.00" in line


def test_a_sweep_that_is_no_longer_acceptable_hides_no_other(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    add_sweep(store, 0.9)
    old = control.create(store, SPEC, "old")
    execute(runs_dir(), 'UPDATE sweeps SET spec = \'{"colour": "red"}\' WHERE id = ?', old.id)
    problem = "What old searches cannot be read: A sweep has no field 'colour'."
    assert main(["sweeps"]) == 0
    _header, sound, damaged = capsys.readouterr().out.splitlines()
    assert sound.startswith("rates")
    assert damaged.split(maxsplit=2)[2].startswith(problem)
    assert main(["sweeps", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[1]["problem"].startswith(problem)
    assert main(["sweeps", "old"]) == 1
    assert problem in capsys.readouterr().err


def test_a_sweep_is_shown_with_its_best_trials_first(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    add_sweep(store, 0.9, None, 0.95)
    assert main(["sweeps", "rates"]) == 0
    status, first, second, counts, sentence = capsys.readouterr().out.splitlines()
    assert status == "rates is finished."
    assert first.split()[-4:] == ["trial", "3", "lr", "0.03"]
    assert second.split()[-4:] == ["trial", "1", "lr", "0.01"]
    assert counts == "2 finished, 1 pruned"
    assert sentence == "Trial 3 won: learning rate 0.03. It has not been tested."


def test_json_has_every_trial(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    add_sweep(store, 0.9, 0.95)
    assert main(["sweeps", "1", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["status"], shown["trials"], shown["best"]["number"]) == ("rates", "completed", 2, 2)
    assert [trial["values"] for trial in shown["all_trials"]] == [{"lr": 0.01}, {"lr": 0.02}]
    assert main(["sweeps", "--json"]) == 0
    assert [sweep["name"] for sweep in json.loads(capsys.readouterr().out)] == ["rates"]


def test_no_sweeps_says_how_to_start_one(store: RunStore, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sweeps"]) == 0
    assert "No sweeps yet. Start one with: " in capsys.readouterr().out


def test_a_sweep_whose_controller_is_gone_is_interrupted_and_stops(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    add_sweep(store, 0.9, ends=False)
    assert main(["sweeps", "rates"]) == 0
    assert capsys.readouterr().out.startswith("rates is interrupted.")
    assert main(["sweeps", "rates", "--stop"]) == 0
    assert capsys.readouterr().out == "rates is stopped.\n"


def test_a_sweep_that_another_process_carries_out_is_paused_resumed_and_extended(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = store.sweeps.claim_sweep(control.create(store, SPEC, "rates").id, own_identity())
    for flags, words in (
        (["--pause"], "rates is paused.\n"),
        (["--resume"], "rates is running.\n"),
        (["--more-trials", "6"], "rates is running.\n"),
    ):
        assert main(["sweeps", "rates", *flags]) == 0
        assert capsys.readouterr().out == words
    assert store.sweeps.get_sweep(sweep.id).spec["trials"] == 10


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["--stop"], 2, "Name the sweep first"),
        (["nothing", "--stop"], 1, "There is no sweep 'nothing'."),
        (["rates", "--pause"], 1, "rates is finished: only one that has not ended can change."),
        (["rates", "--more-minutes", "2"], 2, "rates has no limit on its minutes. Extend the other one."),
        (["rates", "--more-trials", "-2"], 2, "Extend a sweep by a number of trials or minutes above 0."),
    ],
)
def test_what_makes_no_sense_is_refused(
    arguments: list[str], code: int, problem: str, store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    add_sweep(store, 0.9)
    assert main(["sweeps", *arguments]) == code
    assert problem in capsys.readouterr().err
