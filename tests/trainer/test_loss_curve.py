"""The small loss curve that a run keeps for the table, and the one chunk its steps end in."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import CURVE_POINTS, Progress, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.loss_curve import LossCurve
from mnist_core.trainer.metrics_buffer import MetricsBuffer

Step = Callable[..., StepMetrics]


def test_a_short_run_has_its_losses_as_curve(store: RunStore, a_step: Step) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    recorder = MetricsBuffer(store, run)
    for step in range(1, 4):
        recorder.add(a_step(step, loss=step / 4))
    recorder.finish()
    assert store.queries.get_run(run.id).curve == (0.25, 0.5, 0.75)


def test_a_curve_is_the_means_of_equally_many_steps_however_they_come() -> None:
    losses = np.linspace(3, 0, 1000)
    curve = LossCurve()
    for part in np.split(losses, [1, 40, 41, 700]):
        curve = curve.with_losses(part)
    points = curve.points()
    assert CURVE_POINTS / 2 <= len(points) <= CURVE_POINTS
    assert points[0] == pytest.approx(losses[:32].mean())
    assert points[3] == pytest.approx(losses[96:128].mean())
    assert points[-1] == pytest.approx(losses[992:].mean())


def test_what_is_no_number_is_left_out_of_a_curve() -> None:
    curve = LossCurve().with_losses(np.array([1.0, math.nan, math.inf, 2.0]))
    assert curve.points().tolist() == [1.0, 2.0]


def test_a_resumed_run_goes_on_with_its_curve(store: RunStore, a_step: Step) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.append_steps(run, Progress(step=2), [a_step(1, loss=4.0), a_step(2, loss=3.0)])
    recorder = MetricsBuffer(store, store.queries.get_run(run.id))
    recorder.add(a_step(3, loss=2.0))
    assert store.queries.get_run(run.id).curve == (4.0, 3.0, 2.0)


# Steps in one piece


def test_the_steps_of_a_finished_run_are_one_chunk_that_readers_are_not_sent_again(
    store: RunStore, a_step: Step
) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.append_steps(run, Progress(step=2), [a_step(1), a_step(2)])
    behind = store.queries.latest_cursor()
    store.trainer_writes.append_steps(run, Progress(step=3), [a_step(3, loss=0.25)])
    up_to_date = store.queries.latest_cursor()
    before = store.queries.read_steps(run.id)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    assert store.queries.read_steps(run.id).tolist() == before.tolist()
    assert store.queries.read_changes(up_to_date).steps == []
    (missed,) = store.queries.read_changes(behind).steps
    assert (missed.first_step, missed.table["loss"].tolist()) == (1, [0.5, 0.5, 0.25])
