"""The command `race`, as typed into a terminal."""

import json
import os
import signal
from dataclasses import replace

import pytest

from mnist_core.cli.main import main
from mnist_core.records import Event, RunStatus
from mnist_core.runs.races import start_race
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import RunTraining
from tests.support.terminal import CapturedOutput
from tests.support.training import CONFIG

pytestmark = pytest.mark.usefixtures("small_mnist", "signals_restored")

FLAGS = ["race", "--dataset", "mnist", "--model", "softmax", "--epochs", "2", "--device", "cpu"]


def refused(*flags: str) -> int:
    """Return the exit code of a command that argparse may refuse, too."""
    try:
        return main([*FLAGS, *flags])
    except SystemExit as error:
        return int(error.code or 0)


def test_it_trains_the_lanes_and_says_who_leads(store: RunStore, capsys: CapturedOutput) -> None:
    assert main([*FLAGS, "--lr", "0.0001,0.1", "--batch-size", "30,90"]) == 0
    lanes = store.queries.list_runs()
    assert [(run.status, run.config.lr, run.config.batch_size, run.race_id) for run in lanes] == [
        (RunStatus.COMPLETED, 0.0001, 30, 1),
        (RunStatus.COMPLETED, 0.1, 90, 1),
    ]
    printed = capsys.readouterr()
    first, *_ = lines = printed.out.splitlines()
    assert first.startswith("run-1 (batch 30, lr 0.0001): epoch 1, step 5, validation ")
    assert len(lines) == 2 * 5
    assert "batch 90, lr 0.1 leads batch 30, lr 0.0001 by " in printed.err
    assert "of validation after 2 epochs, which " in printed.err


def test_json_names_the_run_of_each_event(store: RunStore, capsys: CapturedOutput) -> None:
    assert main([*FLAGS, "--optimizer", "sgd,adam", "--lr", "0.001", "--json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(event["run"], event["event"]) for event in events} == {
        (run.name, kind) for run in store.queries.list_runs() for kind in ("step", "evaluation")
    }


@pytest.mark.parametrize(
    ("flags", "problem"),
    [
        ([], "A race has 2 to 4 lanes, got 1."),
        (["--lr", "0.1,0.2,0.3,0.4,0.5"], "A race has 2 to 4 lanes, got 5."),
        (["--lr", "0.1,0.1"], "Lanes 1 and 2 have the same settings."),
        (["--seed", "1,2"], "Seed must be the same in all lanes of a race"),
        (["--lr", "0.1,0.2", "--momentum", "0.1,0.5,0.9"], "different numbers of values: --lr 2, --momentum 3."),
        (["--lr", "0.1,7"], "Learning rate must be between 0.0001 and 1, got 7."),
        (["--lr", "0.1,"], "Learning rate must be a number"),
    ],
)
def test_settings_that_cannot_race_are_refused_in_a_sentence(
    store: RunStore, capsys: CapturedOutput, flags: list[str], problem: str
) -> None:
    assert refused(*flags) == 2
    assert problem in capsys.readouterr().err
    assert store.queries.list_runs() == []


def test_an_interrupted_race_is_resumed(
    store: RunStore, capsys: CapturedOutput, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_training: RunTraining, event: Event) -> None:
        if event.step == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    with monkeypatch.context() as patch:
        patch.setattr(RunTraining, "_show", interrupt)
        assert main([*FLAGS, "--lr", "0.01,0.1"]) == 128 + signal.SIGTERM
    assert "race --resume run-1" in capsys.readouterr().err
    assert main(["race", "--resume", "run-2"]) == 0
    assert [(run.status, run.attempt) for run in store.queries.list_runs()] == [(RunStatus.COMPLETED, 2)] * 2


def test_what_cannot_be_resumed_is_refused(store: RunStore, capsys: CapturedOutput) -> None:
    store.commands.create_run(CONFIG)
    assert main(["race", "--resume", "run-1"]) == 1
    assert capsys.readouterr().err == "run-1 is in no race. Resume it alone.\n"
    start_race(store, [CONFIG, replace(CONFIG, lr=0.5)], own_identity())
    assert main(["race", "--resume", "run-2"]) == 1
    assert "No lane of the race of run-2 is interrupted" in capsys.readouterr().err
