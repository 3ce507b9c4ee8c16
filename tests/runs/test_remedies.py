"""Remedies that the doctor offers: what each does, and that none acts when it no longer applies."""

from typing import Any

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import RunStateError
from mnist_core.records import Adjustment, Command, EvalMetrics, Progress, Run, RunStatus, StepMetrics
from mnist_core.runs.actions import RunActions
from mnist_core.runs.remedies import apply_remedy, examine
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.factories import NO_CONFUSION
from tests.support.files.run_files import give_checkpoint

HOT = TrainConfig(lr=0.5, momentum=0.9, epochs=2)


@pytest.fixture
def actions(store: RunStore) -> RunActions:
    return RunActions(store)


def training_run(store: RunStore, losses: list[float], config: TrainConfig = HOT) -> Run:
    run = store.commands.create_run(config, trainer=own_identity())
    images: dict[str, Any] = {"train_images": 54_000, "validation_images": 6_000, "test_images": 10_000}
    store.trainer_writes.begin_training(run, dataset="MNIST", notice="", device="cpu", threads=1, **images)
    commit(store, run, losses)
    return store.queries.get_run(run.id)


def commit(store: RunStore, run: Run, losses: list[float], first: int = 1, *evaluations: EvalMetrics) -> None:
    steps = [
        StepMetrics(step, 1, loss, 0.1 if loss > 2 else 0.9, run.config.lr, 0.9, 1000.0, step / 100, NO_CONFUSION)
        for step, loss in enumerate(losses, first)
    ]
    store.trainer_writes.append_steps(run, Progress(step=first + len(losses) - 1), steps, evaluations)


def test_halving_sends_the_change_to_the_trainer(store: RunStore, actions: RunActions) -> None:
    run = training_run(store, [0.5] * 100 + [9.0] * 40)
    assert apply_remedy(actions, store.queries, run, "halve_lr", "Ada") is None
    (sent,) = store.queries.list_commands(run.id, 0)
    assert (sent.command, sent.adjustment, sent.by) == (Command.ADJUST, Adjustment(lr=0.25), "Ada")


def test_a_remedy_that_no_longer_applies_is_refused(store: RunStore, actions: RunActions) -> None:
    run = training_run(store, [0.5] * 100 + [9.0] * 40)
    commit(store, run, [0.4] * 100, 141)
    for remedy in ("halve_lr", "stop", "anything"):
        with pytest.raises(RunStateError, match="run-1 has changed meanwhile: this remedy no longer applies"):
            apply_remedy(actions, store.queries, run, remedy, "Ada")
    assert store.queries.list_commands(run.id, 0) == []


def test_a_diverged_run_starts_again_from_a_good_checkpoint(store: RunStore, actions: RunActions) -> None:
    run = training_run(store, [0.5] * 100 + [9.0] * 40 + [float("nan")])
    for step in (80, 130):
        give_checkpoint(store, run, step)
    store.trainer_writes.finish_run(run, RunStatus.DIVERGED, "Loss became NaN at step 141.")
    sentence = examine(store.queries, store.queries.get_run(run.id))
    assert sentence
    assert sentence.remedy
    assert sentence.remedy.label == "Start again from step 80 at 0.02"
    new = apply_remedy(actions, store.queries, run, "restart", "Ada")
    assert new
    assert (new.parent_id, new.parent_step, new.config.lr, new.status) == (run.id, 80, 0.02, RunStatus.QUEUED)


def test_a_diverged_run_without_a_good_checkpoint_trains_again(store: RunStore, actions: RunActions) -> None:
    run = training_run(store, [9.0] * 60 + [float("nan")])
    give_checkpoint(store, run, 40)
    store.trainer_writes.finish_run(run, RunStatus.DIVERGED, "Loss became NaN at step 61.")
    new = apply_remedy(actions, store.queries, run, "train_again", "Ada")
    assert new
    assert (new.parent_id, new.config.lr, new.progress.step) == (None, 0.02, 0)


def test_a_stopped_run_continues_to_its_planned_end(store: RunStore, actions: RunActions) -> None:
    run = training_run(store, [0.5] * 100, TrainConfig(epochs=2))
    give_checkpoint(store, run, 100)
    store.trainer_writes.finish_run(run, RunStatus.STOPPED)
    new = apply_remedy(actions, store.queries, run, "finish", "Ada")
    assert new
    assert (new.parent_id, new.parent_step, new.config) == (run.id, 100, run.config)


def test_a_run_that_learns_by_heart_stops(store: RunStore, actions: RunActions) -> None:
    run = training_run(store, [0.01] * 500, TrainConfig(epochs=10))
    losses = [0.2, 0.1, 0.2, 0.2, 0.2, 0.2]
    validations = [
        EvalMetrics(80 * number, 1, "validation", loss, 0.8, NO_CONFUSION, np.zeros(1, np.uint8), 1.0)
        for number, loss in enumerate(losses, 1)
    ]
    commit(store, run, [0.01], 501, *validations)
    assert apply_remedy(actions, store.queries, run, "stop", "Ada") is None
    assert store.queries.get_run(run.id).status is RunStatus.STOPPING
