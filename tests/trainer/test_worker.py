"""One trainer in this process, from claiming a run to its end, on a few hundred digits."""

import math
import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import StaleAttemptError
from mnist_core.records import EvalMetrics, Event, RunStatus, StepMetrics
from mnist_core.runs import lineage
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer import worker
from mnist_core.trainer.shutdown import ShutdownSignals
from mnist_core.trainer.worker import RunTraining, train_run
from mnist_core.training.batches import Images
from mnist_core.training.engine import evaluate
from mnist_core.training.networks.models import Net
from tests.support.training import act_at_step, claimed_run

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=64, epochs=1, device="cpu")
Step = Callable[..., StepMetrics]


def script(monkeypatch: pytest.MonkeyPatch, events: Callable[[], Iterator[Event]]) -> None:
    """Replace the engine by these events."""
    monkeypatch.setattr(worker, "train", lambda *_args, **_options: events())


def test_a_whole_run_is_recorded(store: RunStore) -> None:
    events: list[Event] = []
    run = train_run(store, claimed_run(store, CONFIG), events.append)
    assert (run.status, run.reason, run.dataset, run.model_file) == (RunStatus.COMPLETED, "", "MNIST", "")
    assert (run.train_images, run.validation_images, run.test_images, run.total_steps) == (270, 30, 100, 4)
    assert run.finished_at

    steps = [event for event in events if isinstance(event, StepMetrics)]
    evaluations = [event for event in events if isinstance(event, EvalMetrics)]
    assert store.queries.read_steps(run.id)["loss"].tolist() == [step.loss for step in steps]
    stored = store.queries.list_evaluations(run.id)
    assert [(evaluation.step, evaluation.split, evaluation.accuracy) for evaluation in stored] == [
        (evaluation.step, evaluation.split, evaluation.accuracy) for evaluation in evaluations
    ]
    assert len(stored) == 3
    assert run.results.test_accuracy == evaluations[-1].accuracy
    assert (run.progress.step, run.progress.loss) == (4, steps[-1].loss)
    assert run.progress.elapsed_seconds == evaluations[-1].elapsed_seconds


def test_runs_that_take_turns_in_one_process_train_as_they_do_alone(store: RunStore) -> None:
    configs = CONFIG, replace(CONFIG, model="compact", lr=0.1)
    alone = [train_run(store, claimed_run(store, config)) for config in configs]
    shutdown = ShutdownSignals("")
    in_turns = [RunTraining(store, claimed_run(store, config), shutdown) for config in configs]
    for training in in_turns:
        training.begin()
    training_on = in_turns
    while training_on:
        training_on = [training for training in training_on if training.advance()]
    for training, run in zip(in_turns, alone, strict=True):
        ended = training.end()
        assert ended.status is RunStatus.COMPLETED
        assert store.queries.read_steps(ended.id)["loss"].tolist() == store.queries.read_steps(run.id)["loss"].tolist()


def test_each_of_the_runs_that_take_turns_keeps_its_number_of_threads(store: RunStore) -> None:
    before, shutdown = torch.get_num_threads(), ShutdownSignals("")
    used: dict[int, set[int]] = {1: set(), 2: set()}
    in_turns = []

    def note_threads(seen: set[int], _event: Event) -> None:
        seen.add(torch.get_num_threads())

    for threads, seen in used.items():
        torch.set_num_threads(threads)
        run = claimed_run(store, CONFIG)
        in_turns.append(RunTraining(store, run, shutdown, partial(note_threads, seen)))
    for training in in_turns:
        training.begin()
    training_on = in_turns
    while training_on:
        training_on = [training for training in training_on if training.advance()]
    torch.set_num_threads(before)
    assert used == {1: {1}, 2: {2}}
    assert [training.end().threads for training in in_turns] == [1, 2]


@pytest.mark.usefixtures("commit_every_event")
def test_an_observer_sees_an_event_after_it_was_recorded(store: RunStore) -> None:
    begun = claimed_run(store, CONFIG)
    recorded = []
    train_run(store, begun, act_at_step(4, lambda: recorded.append(len(store.queries.read_steps(begun.id)))))
    assert recorded == [4]


@pytest.mark.usefixtures("commit_every_event")
def test_stop_ends_after_the_current_batch_and_keeps_metrics(store: RunStore) -> None:
    begun = claimed_run(store, CONFIG)
    run = train_run(store, begun, act_at_step(2, lambda: store.commands.request_stop(begun.id)))
    assert (run.status, run.reason) == (RunStatus.STOPPED, "")
    assert run.finished_at
    assert run.progress.step == 3
    assert len(store.queries.read_steps(run.id)) == 3


@pytest.mark.usefixtures("commit_every_event")
def test_a_run_that_is_deleted_while_it_trains_is_stopped_and_can_be_restored_and_continued(store: RunStore) -> None:
    begun = claimed_run(store, CONFIG)
    deleted = train_run(store, begun, act_at_step(2, lambda: store.commands.delete_runs([begun.id])))
    assert (deleted.status, deleted.progress.step) == (RunStatus.STOPPED, 3)
    assert store.queries.list_runs() == []
    assert store.queries.list_deleted_runs() == [deleted]
    (restored,) = store.commands.restore_runs([begun.id])
    continued = lineage.fork(store, restored, lineage.with_more_epochs(restored, 1), trainer=own_identity())
    assert train_run(store, continued).status is RunStatus.COMPLETED


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (signal.SIGTERM, "Its process was asked to end (SIGTERM)."),
        (signal.SIGINT, "Interrupted from the keyboard (Ctrl-C)."),
        (signal.SIGHUP, "The terminal it ran in was closed."),
    ],
)
def test_a_signal_interrupts_between_two_batches_and_keeps_metrics(
    store: RunStore, number: signal.Signals, reason: str
) -> None:
    run = train_run(store, claimed_run(store, CONFIG), act_at_step(2, lambda: os.kill(os.getpid(), number)))
    assert (run.status, run.reason) == (RunStatus.INTERRUPTED, reason)
    assert len(store.queries.read_steps(run.id)) == 2


@pytest.mark.parametrize(("loss", "what"), [(math.nan, "NaN"), (math.inf, "infinite")])
def test_a_loss_that_is_not_finite_ends_the_run_as_diverged(
    store: RunStore, a_step: Step, monkeypatch: pytest.MonkeyPatch, loss: float, what: str
) -> None:
    def events() -> Iterator[Event]:
        yield a_step(1)
        yield a_step(2, loss)
        raise AssertionError("trained on")

    script(monkeypatch, events)
    run = train_run(store, claimed_run(store, CONFIG))
    assert run.status is RunStatus.DIVERGED
    assert run.reason == f"Loss became {what} at step 2. Choose a lower learning rate."
    assert str(store.queries.read_steps(run.id)["loss"].tolist()) == str([0.5, loss])


def test_running_out_of_memory_fails_the_run_with_the_remedy(
    store: RunStore, a_step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    def events() -> Iterator[Event]:
        yield a_step(1)
        raise MemoryError

    script(monkeypatch, events)
    run = train_run(store, claimed_run(store, CONFIG))
    assert run.status is RunStatus.FAILED
    assert run.reason == "Out of memory. Choose a smaller batch size or test batch size."
    assert len(store.queries.read_steps(run.id)) == 1


def test_an_unexpected_error_fails_the_run_and_is_printed(
    store: RunStore, a_step: Step, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def events() -> Iterator[Event]:
        yield a_step(1)
        raise ZeroDivisionError("by zero")

    script(monkeypatch, events)
    run = train_run(store, claimed_run(store, CONFIG))
    assert (run.status, run.reason) == (RunStatus.FAILED, "ZeroDivisionError: by zero")
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.usefixtures("commit_every_event")
def test_a_trainer_that_lost_its_run_stops_and_writes_nothing_more(store: RunStore) -> None:
    begun = claimed_run(store, CONFIG)
    steps: list[int] = []

    def observe(event: Event) -> None:
        steps.append(event.step)
        if event.step == 2:
            store.commands.interrupt_run(begun, "taken away")

    with pytest.raises(StaleAttemptError):
        train_run(store, begun, observe)
    run = store.queries.get_run(begun.id)
    assert steps == [1, 2]
    assert (run.status, run.reason) == (RunStatus.INTERRUPTED, "taken away")
    assert len(store.queries.read_steps(run.id)) == 2


# The model's file


SAVING = TrainConfig(dataset="mnist", batch_size=32, epochs=1, device="cpu", save_model=True)


def test_a_saved_model_is_the_network_that_was_tested(store: RunStore, digits: Dataset, places: Path) -> None:
    run = train_run(store, claimed_run(store, SAVING))
    assert Path(run.model_file) == places / "runs" / "models" / f"run-{run.id}-{run.uid}.pt"
    model = Net()
    model.load_state_dict(torch.load(run.model_file, weights_only=True))
    loss, _, predictions, levels = evaluate(model, Images.on_device(digits.test, torch.device("cpu")))
    test = store.queries.list_evaluations(run.id, probabilities=True)[-1]
    assert predictions.tolist() == test.predictions.tolist()
    assert test.probabilities is not None
    assert levels.tolist() == test.probabilities.tolist()
    assert loss == pytest.approx(test.loss, rel=1e-5)
    assert [path.name for path in Path(run.model_file).parent.iterdir()] == [f"run-{run.id}-{run.uid}.pt"]


@pytest.mark.usefixtures("commit_every_event")
def test_a_stopped_run_saves_its_model_and_an_interrupted_one_does_not(store: RunStore) -> None:
    begun = claimed_run(store, SAVING)
    stopped = train_run(store, begun, act_at_step(2, lambda: store.commands.request_stop(begun.id)))
    assert Path(stopped.model_file).is_file()
    interrupted = train_run(
        store, claimed_run(store, SAVING), act_at_step(2, lambda: os.kill(os.getpid(), signal.SIGTERM))
    )
    assert interrupted.model_file == ""


def test_a_models_folder_that_cannot_be_written_fails_the_run_but_keeps_its_metrics(
    store: RunStore, places: Path
) -> None:
    (places / "runs" / "models").write_text("a file where the folder should be")
    run = train_run(store, claimed_run(store, SAVING))
    assert run.status is RunStatus.FAILED
    assert "models" in run.reason
    assert run.results.test_accuracy is not None


# The system clock


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_setting_the_clock_changes_no_duration(store: RunStore, monkeypatch: pytest.MonkeyPatch, jump: float) -> None:
    real, shift = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + shift[0])
    run = claimed_run(store, TrainConfig(dataset="mnist", model="softmax", epochs=1, batch_size=1, device="cpu"))
    began = time.perf_counter()
    trained = train_run(store, run, act_at_step(100, lambda: shift.append(shift.pop() + jump)))
    wall_seconds = time.perf_counter() - began
    elapsed = store.queries.read_steps(run.id)["elapsed_seconds"]
    assert trained.status is RunStatus.COMPLETED
    assert 0 < elapsed[0] < trained.progress.elapsed_seconds < wall_seconds
    assert (elapsed[1:] > elapsed[:-1]).all()
