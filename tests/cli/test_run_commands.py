"""The commands that act on one run, as typed into a terminal."""

import dataclasses
import re

import pytest

from mnist_core.cli.main import main
from mnist_core.config import TrainConfig
from mnist_core.records import Adjustment, Command, Event, PendingCommand, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer import metrics_buffer, steering
from mnist_core.trainer.worker import train_run

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, epochs=1, device="cpu")


@pytest.fixture
def running(store: RunStore) -> Run:
    run = store.commands.create_run(CONFIG, "mine", trainer=own_identity())
    sizes = {"train_images": 270, "validation_images": 30, "test_images": 100}
    store.trainer_writes.begin_training(run, dataset="MNIST", notice="", **sizes, device="cpu", threads=1)
    return run


@pytest.fixture
def trained(store: RunStore) -> Run:
    return train_run(store, store.commands.create_run(CONFIG, trainer=own_identity()))


def commands(store: RunStore, run: Run) -> list[PendingCommand]:
    return store.queries.list_commands(run.id, 0)


@pytest.mark.parametrize("command", [Command.PAUSE, Command.STEP, Command.EVALUATE, Command.RESUME])
@pytest.mark.parametrize("name", ["mine", "1"])
def test_a_command_reaches_the_trainer(store: RunStore, running: Run, command: Command, name: str) -> None:
    assert main([command, name]) == 0
    assert [(pending.command, pending.by) for pending in commands(store, running)] == [(command, "terminal")]


def test_adjust_sends_the_settings_that_are_given(
    store: RunStore, running: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["adjust", "mine", "--lr", "0.05", "--batch-size", "16"]) == 0
    assert commands(store, running)[0].adjustment == Adjustment(lr=0.05, batch_size=16)
    assert capsys.readouterr().out == "mine: lr 0.05, batch_size 16 from the next batch on.\n"


def test_stop_ends_a_run_in_progress_and_dequeues_a_queued_one(store: RunStore, running: Run) -> None:
    waiting = store.commands.create_run(CONFIG)
    assert main(["stop", "mine"]) == main(["stop", waiting.name]) == 0
    assert store.queries.get_run(running.id).status is RunStatus.STOPPING
    assert store.queries.get_run(waiting.id).status is RunStatus.STOPPED


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["pause", "nobody"], 1, "There is no run 'nobody'. `python -m mnist_core runs` lists them."),
        (["pause", "77"], 1, "There is no run '77'. `python -m mnist_core runs` lists them."),
        (["pause", "run-1"], 1, "run-1 is finished: there is nothing to pause."),
        (["stop", "run-1"], 1, "run-1 is finished: there is nothing to stop."),
        (["resume", "run-1"], 1, "run-1 is finished: only an interrupted run can be resumed."),
        (["adjust", "run-1"], 2, "There is nothing to change: give one of --lr, --momentum, --batch-size."),
        (["continue", "run-1", "--step", "3"], 1, "run-1 has no checkpoint of step 3. Choose one of"),
        (["continue", "run-1"], 2, "nothing is left to train. Give it more epochs (in a terminal with --more-epochs)"),
        (["continue", "run-1", "--more-epochs", "50"], 2, "Epochs must be between 1 and 50, got 51."),
    ],
)
def test_an_impossible_command_is_refused_with_the_reason(
    trained: Run, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, problem: str
) -> None:
    capsys.readouterr()
    assert main(arguments) == code
    assert problem in capsys.readouterr().err


def test_a_setting_out_of_range_is_refused_by_the_parser(running: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["adjust", "mine", "--lr", "5"])
    assert caught.value.code == 2
    assert "Learning rate must be between 0.0001 and 1, got 5." in capsys.readouterr().err


def test_resume_trains_an_interrupted_run_in_this_process(
    store: RunStore, trained: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(metrics_buffer, "COMMIT_SECONDS", 0.0)

    def leave(event: Event) -> None:
        if isinstance(event, StepMetrics) and event.step == 4:
            raise BrokenPipeError

    interrupted = train_run(store, store.commands.create_run(CONFIG, trainer=own_identity()), leave)
    assert interrupted.status is RunStatus.INTERRUPTED
    assert main(["resume", interrupted.name]) == 0
    assert re.search(r"Test set: Average loss", capsys.readouterr().out)
    run = store.queries.get_run(interrupted.id)
    assert (run.status, run.attempt) == (RunStatus.COMPLETED, 2)
    assert store.queries.read_steps(run.id)["loss"].tolist() == store.queries.read_steps(trained.id)["loss"].tolist()


def test_continue_trains_with_other_settings_in_this_process(store: RunStore, trained: Run) -> None:
    assert main(["continue", "run-1", "--more-epochs", "1", "--lr", "0.1", "--name", "longer"]) == 0
    run = store.queries.find_run("longer")
    assert (run.config.epochs, run.config.lr, run.parent_id, run.parent_step) == (2, 0.1, trained.id, 9)
    assert run.progress.step == 18
    assert [(change.field, change.old, change.new, change.by) for change in run.interventions] == [
        ("lr", 0.01, 0.1, "continued")
    ]


def test_early_stopping_is_announced_and_continued_without_patience(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = "--model softmax --dataset mnist --batch-size 30 --lr 0.1 --momentum 0.9 --epochs 8 --patience 3"
    assert main(["train", *settings.split()]) == 0
    stopped = (
        "Stopped at step 36: validation loss had not improved for 3 evaluations. The weights are those of step 23."
    )
    assert stopped in capsys.readouterr().err
    assert main(["continue", "run-1"]) == 0
    assert (store.queries.get_run(2).parent_step, store.queries.get_run(2).progress.step) == (23, 72)
    assert "Stopped" not in capsys.readouterr().err


def test_continue_announces_that_the_schedule_makes_the_rate_jump(
    store: RunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    config = dataclasses.replace(CONFIG, schedule="one-cycle", lr=0.05)
    train_run(store, store.commands.create_run(config, trainer=own_identity()))
    assert main(["continue", "run-1", "--more-epochs", "1"]) == 0
    announced = capsys.readouterr().err.splitlines()[0]
    assert announced.startswith("At step 9 the learning rate jumps from 2e-07 to 0.035, because the one-cycle schedule")
    assert [f"{rate:.2g}" for rate in store.queries.read_rates_at(2, 9)] == ["2e-07", "0.035"]


def test_repeat_trains_a_steered_run_in_this_process(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(steering, "COMMAND_POLL_SECONDS", 0.0)
    claimed = store.commands.create_run(CONFIG, trainer=own_identity())

    def steer(event: Event) -> None:
        if isinstance(event, StepMetrics) and event.step == 3:
            assert main(["adjust", claimed.name, "--lr", "0.1"]) == 0

    original = train_run(store, claimed, steer)
    assert main(["repeat", original.name]) == 0
    again = store.queries.get_run(original.id + 1)
    assert store.queries.read_steps(again.id)["loss"].tolist() == store.queries.read_steps(original.id)["loss"].tolist()


@pytest.mark.parametrize("command", Command)
def test_every_command_to_a_trainer_can_be_typed(capsys: pytest.CaptureFixture[str], command: Command) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"mnist_core {command} " in capsys.readouterr().out


def test_an_unknown_command_is_refused_with_the_names_of_all(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["pose"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "'train', 'pause', 'step', 'evaluate', 'stop', 'resume'," in error
    assert "<" not in error
