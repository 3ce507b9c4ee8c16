"""A run that is interrupted, continued or repeated equals an undisturbed one to the last bit."""

import math
import os
import signal
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from mnist_core.checkpoints import files
from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import DatasetError, StaleAttemptError
from mnist_core.records import Adjustment, Command, EvalMetrics, Event, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer import saver
from mnist_core.trainer.worker import Observer, train_run
from mnist_core.training.train_state import TrainState
from tests.support.training import act_at_step, claimed_run, load_newest

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist", "commit_every_event")

CONFIG = TrainConfig(
    dataset="mnist", model="softmax", batch_size=30, epochs=2, momentum=0.9, schedule="one-cycle", device="cpu"
)
STEPS = 18


def curve(store: RunStore, run: Run) -> dict[str, list[Any]]:
    """Return what must repeat exactly: all columns of the steps but the times."""
    table = store.queries.read_steps(run.id)
    return {name: table[name].tolist() for name in ("epoch", "loss", "accuracy", "lr", "momentum")}


def evaluations(store: RunStore, run: Run) -> list[tuple[Any, ...]]:
    return [
        (evaluation.step, evaluation.split, evaluation.loss, evaluation.accuracy)
        for evaluation in store.queries.list_evaluations(run.id)
    ]


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


def resume(store: RunStore, run: Run, observe: Observer = lambda _event: None) -> Run:
    store.commands.requeue_run(run.id)
    claimed = store.trainer_writes.claim_run(run.id, own_identity(), 1)
    assert claimed
    return train_run(store, claimed, observe)


@pytest.fixture
def uninterrupted(store: RunStore) -> Run:
    return train_run(store, claimed_run(store, CONFIG))


@pytest.mark.parametrize("step", [1, 4, 9, 14, 18])
def test_a_run_interrupted_at_any_batch_resumes_as_if_undisturbed(
    store: RunStore, uninterrupted: Run, step: int
) -> None:
    first = claimed_run(store, CONFIG)
    interrupted = train_run(store, first, act_at_step(step, interrupt))
    assert (interrupted.status, interrupted.progress.step) == (RunStatus.INTERRUPTED, step)
    resumed = resume(store, interrupted)
    assert (resumed.status, resumed.attempt, resumed.reason) == (RunStatus.COMPLETED, 2, "")
    assert curve(store, resumed) == curve(store, uninterrupted)
    assert evaluations(store, resumed) == evaluations(store, uninterrupted)
    assert resumed.results == uninterrupted.results
    assert resumed.progress.step == STEPS


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the trainer runs any more."""


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5])
def test_an_evaluation_that_was_recorded_but_not_saved_is_not_recorded_twice(
    store: RunStore, uninterrupted: Run, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    left = [number]

    def save_or_die(self: saver.CheckpointSaver, event: Event | None, interventions: Any) -> None:
        left[0] -= isinstance(event, EvalMetrics)
        if left[0] == 0:
            raise Killed
        save(self, event, interventions)

    save = saver.CheckpointSaver.save
    monkeypatch.setattr(saver.CheckpointSaver, "save", save_or_die)
    run = claimed_run(store, CONFIG)
    with pytest.raises(Killed):
        train_run(store, run)
    assert len(evaluations(store, run)) == number
    assert store.commands.interrupt_run(store.queries.get_run(run.id), "killed")
    resumed = resume(store, store.queries.get_run(run.id))
    assert evaluations(store, resumed) == evaluations(store, uninterrupted)
    assert resumed.results == uninterrupted.results


@pytest.mark.fault
def test_a_network_with_dropout_resumes_as_if_undisturbed(store: RunStore) -> None:
    config = replace(CONFIG, model="example", epochs=1)
    interrupted = train_run(store, claimed_run(store, config), act_at_step(4, interrupt))
    resumed = resume(store, interrupted)
    assert curve(store, resumed) == curve(store, train_run(store, claimed_run(store, config)))


def test_steps_after_the_last_checkpoint_are_repeated_and_recorded_once(
    store: RunStore, uninterrupted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a SIGKILL: nothing was saved since the evaluation after step 5."""
    first = claimed_run(store, CONFIG)
    with monkeypatch.context() as killed:

        def vanish() -> None:
            killed.setattr(saver.CheckpointSaver, "save", lambda *_: None)
            interrupt()

        interrupted = train_run(store, first, act_at_step(8, vanish))
    assert len(store.queries.read_steps(first.id)) == 8
    assert load_newest(checkpoints_dir(first)).state.step == 5
    resumed = resume(store, interrupted)
    assert curve(store, resumed) == curve(store, uninterrupted)
    assert evaluations(store, resumed) == evaluations(store, uninterrupted)


def test_a_run_that_never_saved_starts_from_scratch(
    store: RunStore, uninterrupted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as unsaved:
        unsaved.setattr(saver.CheckpointSaver, "save", lambda *_: None)
        interrupted = train_run(store, claimed_run(store, CONFIG), act_at_step(3, interrupt))
    resumed = resume(store, interrupted)
    assert curve(store, resumed) == curve(store, uninterrupted)


def test_a_run_can_be_interrupted_and_resumed_repeatedly(store: RunStore, uninterrupted: Run) -> None:
    run = train_run(store, claimed_run(store, CONFIG), act_at_step(2, interrupt))
    for step in (3, 11, 12):
        run = resume(store, run, act_at_step(step, interrupt))
        assert run.progress.step == step
    run = resume(store, run)
    assert run.attempt == 5
    assert curve(store, run) == curve(store, uninterrupted)


def hand(store: RunStore, run: Run) -> Observer:
    """Return an observer that changes learning rate, batch size and momentum during the run."""

    def steer(event: Event) -> None:
        if isinstance(event, StepMetrics) and event.step == 6:
            store.commands.send_command(run.id, Command.ADJUST, Adjustment(lr=0.05), by="page")
        if isinstance(event, StepMetrics) and event.step == 11:
            store.commands.send_command(run.id, Command.ADJUST, Adjustment(batch_size=16, momentum=0.5), by="terminal")

    return steer


def steered(store: RunStore) -> Run:
    run = claimed_run(store, CONFIG)
    return train_run(store, run, hand(store, run))


def test_a_steered_run_is_repeated_bit_for_bit(store: RunStore, uninterrupted: Run) -> None:
    original = steered(store)
    assert [(change.step, change.field, change.by) for change in original.interventions] == [
        (6, "lr", "page"),
        (11, "momentum", "terminal"),
        (11, "batch_size", "terminal"),
    ]
    assert curve(store, original) != curve(store, uninterrupted)
    again = train_run(
        store,
        store.commands.create_run(
            original.config, trainer=own_identity(), parent=original, plan=original.interventions
        ),
    )
    assert curve(store, again) == curve(store, original)
    assert evaluations(store, again) == evaluations(store, original)
    assert [(change.step, change.field, change.new) for change in again.interventions] == [
        (change.step, change.field, change.new) for change in original.interventions
    ]


@pytest.mark.fault
@pytest.mark.parametrize("interrupted_at", [6, 9, 15])
@pytest.mark.parametrize("saved_at_the_end", [True, False])
def test_a_steered_run_resumes_as_steered(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, interrupted_at: int, saved_at_the_end: bool
) -> None:
    """Also if it is killed before a checkpoint holds the change, which is then applied again at its step."""
    original = steered(store)
    run = claimed_run(store, CONFIG)
    steer = hand(store, run)
    with monkeypatch.context() as patch:

        def steer_and_interrupt(event: Event) -> None:
            steer(event)
            if isinstance(event, StepMetrics) and event.step == interrupted_at:
                if not saved_at_the_end:
                    patch.setattr(saver.CheckpointSaver, "save", lambda *_: None)
                interrupt()

        interrupted = train_run(store, run, steer_and_interrupt)
    resumed = resume(store, interrupted, lambda event: steer(event) if event.step > interrupted_at else None)
    assert curve(store, resumed) == curve(store, original)
    assert evaluations(store, resumed) == evaluations(store, original)
    assert [(change.step, change.field, change.old, change.new, change.by) for change in resumed.interventions] == [
        (change.step, change.field, change.old, change.new, change.by) for change in original.interventions
    ]
    again = train_run(
        store,
        store.commands.create_run(resumed.config, trainer=own_identity(), parent=resumed, plan=resumed.interventions),
    )
    assert curve(store, again) == curve(store, original)


def test_a_run_is_not_resumed_on_another_dataset(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run = train_run(store, claimed_run(store, CONFIG), act_at_step(2, interrupt))
    other = Dataset("MNIST-5k", *(split for split in _splits()))
    monkeypatch.setattr("mnist_core.trainer.preparation.load_dataset", lambda *_args, **_options: other)
    with pytest.raises(DatasetError, match="run-1 was trained on MNIST, and the dataset here is MNIST-5k"):
        resume(store, run)


def _splits() -> list[Any]:
    from mnist_core.data.splits import Split

    return [Split(np.zeros((300, 28, 28), np.uint8), np.zeros(300, np.uint8)) for _ in range(2)]


def test_weights_that_are_not_finite_are_not_saved(store: RunStore) -> None:
    run = claimed_run(store, CONFIG)
    state = TrainState.initial(CONFIG)
    keeper = saver.CheckpointSaver(store, run, "MNIST", state)
    keeper.save(None, ())
    state.step = 1
    with torch.no_grad():
        next(state.model.parameters())[0] = math.nan
    keeper.save(None, ())
    saved = load_newest(checkpoints_dir(run))
    assert saved.state.step == 0


def test_a_trainer_that_lost_its_run_while_saving_does_not_touch_checkpoints(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = claimed_run(store, CONFIG)
    state = TrainState.initial(CONFIG)
    keeper = saver.CheckpointSaver(store, run, "MNIST", state)
    keeper.save(None, ())
    flush = os.fsync

    def stopped_for_long(file: int) -> None:
        flush(file)
        store.commands.interrupt_run(run, "not heard of")
        store.commands.requeue_run(run.id)
        store.trainer_writes.claim_run(run.id, own_identity(), 1)

    monkeypatch.setattr(os, "fsync", stopped_for_long)
    state.step = 5
    with pytest.raises(StaleAttemptError):
        keeper.save(None, ())
    assert [path.name for path in checkpoints_dir(run).iterdir()] == ["step-00000000.ckpt"]


def test_a_run_saves_at_every_evaluation_and_at_least_every_half_minute(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    monkeypatch.setattr(files, "save", lambda _folder, _config, state, **_facts: saved.append(state.step))
    train_run(store, claimed_run(store, CONFIG))
    assert saved == [5, 9, 14, 18, 18]  # validation twice an epoch, test at the end
    saved.clear()
    monkeypatch.setattr(saver, "SAVE_SECONDS", 0.0)
    train_run(store, claimed_run(store, CONFIG))
    assert saved == sorted([*range(1, STEPS + 1), 5, 9, 14, 18, 18])
