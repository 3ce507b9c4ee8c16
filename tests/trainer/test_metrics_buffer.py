"""How a trainer batches events into commits, with made-up events and a scripted clock."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import StoreLockedError
from mnist_core.records import (
    CURVE_POINTS,
    LIVE_BATCHES,
    Confusion,
    EvalMetrics,
    ProcessIdentity,
    Progress,
    Run,
    RunStatus,
    StepMetrics,
)
from mnist_core.store import RunStore, trainer_writes
from mnist_core.store import commands as run_commands
from mnist_core.store.change_feed import Cursor
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.system.processes import own_identity
from mnist_core.trainer import metrics_buffer
from mnist_core.trainer.metrics_buffer import COMMIT_SECONDS, LOCKED_SECONDS, LossCurve, MetricsBuffer
from tests.support.files.storage import locked_database

Step = Callable[..., StepMetrics]
Evaluation = Callable[..., EvalMetrics]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def run(store: RunStore) -> Run:
    return store.commands.create_run(TrainConfig(), trainer=ProcessIdentity(4321, 99, "boot"))


@pytest.fixture
def recorder(store: RunStore, run: Run, clock: Clock) -> MetricsBuffer:
    return MetricsBuffer(store, run, clock)


def commits(store: RunStore) -> list[tuple[int, int]]:
    """Return (first step, number of steps) of each commit so far."""
    return [(steps.first_step, steps.count) for steps in store.queries.read_changes(Cursor()).steps]


@pytest.fixture
def database(places: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database of `store`, for whose lock nobody waits long; a full buffer holds 10 steps."""
    monkeypatch.setattr(trainer_writes, "QUICK_SECONDS", 0.0)
    monkeypatch.setattr(run_commands, "CHECK_SECONDS", 0.0)
    monkeypatch.setattr(metrics_buffer, "MAX_STEPS", 10)
    monkeypatch.setattr("mnist_core.trainer.retries.RETRY_SECONDS", 0.0)
    return places / "runs" / DATABASE_NAME


def all_read_as(label: int) -> Confusion:
    """Return the matrix of ten images of 3, all predicted as `label`."""
    return tuple(tuple(10 * (row == 3 and column == label) for column in range(10)) for row in range(10))


def test_the_first_event_is_committed_at_once(recorder: MetricsBuffer, store: RunStore, a_step: Step) -> None:
    assert recorder.add(a_step(1)) is RunStatus.PREPARING
    assert commits(store) == [(1, 1)]


def test_steps_are_committed_every_fifth_of_a_second(
    recorder: MetricsBuffer, store: RunStore, clock: Clock, a_step: Step
) -> None:
    assert COMMIT_SECONDS == 0.2
    committed = []
    for step in range(1, 12):
        committed.append(recorder.add(a_step(step)) is not None)
        clock.now += 0.0625
    assert [number for number, yes in enumerate(committed, 1) if yes] == [1, 5, 9]
    assert commits(store) == [(1, 1), (2, 4), (6, 4)]


def test_an_evaluation_is_committed_at_once_with_the_steps_before_it(
    recorder: MetricsBuffer, store: RunStore, run: Run, a_step: Step, an_evaluation: Evaluation
) -> None:
    for event in (a_step(1), a_step(2), a_step(3)):
        recorder.add(event)
    assert recorder.add(an_evaluation(3, right=75)) is RunStatus.PREPARING
    assert commits(store) == [(1, 1), (2, 2)]
    assert store.queries.get_run(run.id).results.validation_accuracy == 0.75


def test_a_commit_returns_the_status_of_the_run(
    recorder: MetricsBuffer, store: RunStore, run: Run, a_step: Step
) -> None:
    recorder.add(a_step(1))
    store.commands.request_stop(run.id)
    assert recorder.add(a_step(2)) is None
    assert recorder.commit() is RunStatus.STOPPING


def test_progress_is_that_of_the_last_step(recorder: MetricsBuffer, store: RunStore, run: Run, a_step: Step) -> None:
    recorder.add(a_step(1, 0.5))
    recorder.add(a_step(2, 0.25, epoch=2))
    recorder.commit()
    progress = store.queries.get_run(run.id).progress
    assert (progress.step, progress.epoch, progress.loss, progress.accuracy) == (2, 2, 0.25, 0.8)
    assert progress.elapsed_seconds == 0.02


def test_the_live_matrix_sums_the_last_100_batches(
    recorder: MetricsBuffer, store: RunStore, run: Run, a_step: Step
) -> None:
    assert LIVE_BATCHES == 100
    for step in range(1, 151):
        recorder.add(dataclasses.replace(a_step(step), confusion=all_read_as(8 if step <= 70 else 3)))
    recorder.commit()
    matrix = store.queries.get_run(run.id).progress.live_confusion
    assert matrix
    assert (matrix[3][8], matrix[3][3]) == (200, 800)
    assert sum(map(sum, matrix)) == 1000


def test_live_throughput_is_of_the_latest_commit_and_the_final_one_of_the_run(
    recorder: MetricsBuffer, store: RunStore, run: Run, a_step: Step
) -> None:
    def rate() -> float | None:
        return store.queries.get_run(run.id).progress.examples_per_second

    recorder.add(a_step(1, images_per_second=1000.0))  # 10 images in 0.01 s
    assert rate() == pytest.approx(1000)
    recorder.add(a_step(2, images_per_second=250.0))  # in 0.04 s
    recorder.commit()
    assert rate() == pytest.approx(250)
    recorder.add(a_step(3, images_per_second=200.0))  # in 0.05 s, and not committed yet
    recorder.finish()
    assert rate() == pytest.approx(30 / 0.1)


def test_finish_commits_the_remaining_steps(recorder: MetricsBuffer, store: RunStore, a_step: Step) -> None:
    for step in (1, 2, 3):
        recorder.add(a_step(step))
    recorder.finish()
    assert commits(store) == [(1, 1), (2, 2)]


def test_progress_includes_the_time_of_the_last_evaluation(
    recorder: MetricsBuffer, store: RunStore, run: Run, a_step: Step, an_evaluation: Evaluation
) -> None:
    evaluation = an_evaluation(1, "test")
    recorder.add(a_step(1))
    recorder.add(evaluation)
    assert store.queries.get_run(run.id).progress.elapsed_seconds == evaluation.elapsed_seconds
    recorder.finish()
    assert store.queries.get_run(run.id).progress.elapsed_seconds == evaluation.elapsed_seconds


def test_steps_of_a_failed_commit_are_written_by_the_next(
    recorder: MetricsBuffer, store: RunStore, a_step: Step, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.add(a_step(1))
    recorder.add(a_step(2))
    with monkeypatch.context() as patch:
        patch.setattr(store.trainer_writes, "append_steps", lambda *_, **_norms: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            recorder.commit()
    recorder.add(a_step(3))
    recorder.finish()
    assert commits(store) == [(1, 1), (2, 2)]


def test_a_run_that_ends_before_its_first_step_keeps_its_progress(
    recorder: MetricsBuffer, store: RunStore, run: Run
) -> None:
    recorder.finish()
    assert store.queries.get_run(run.id).progress == run.progress


# The loss curve of a whole run


def test_the_curve_of_a_short_run_holds_its_losses(store: RunStore, a_step: Step) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    recorder = MetricsBuffer(store, run)
    for step in range(1, 4):
        recorder.add(a_step(step, loss=step / 4))
    recorder.finish()
    assert store.queries.get_run(run.id).curve == (0.25, 0.5, 0.75)


def test_a_curve_averages_equal_numbers_of_steps_in_whatever_parts_they_come() -> None:
    losses = np.linspace(3, 0, 1000)
    curve = LossCurve()
    for part in np.split(losses, [1, 40, 41, 700]):
        curve = curve.with_losses(part)
    points = curve.points()
    assert CURVE_POINTS / 2 <= len(points) <= CURVE_POINTS
    assert points[0] == pytest.approx(losses[:32].mean())
    assert points[3] == pytest.approx(losses[96:128].mean())
    assert points[-1] == pytest.approx(losses[992:].mean())


def test_a_curve_leaves_out_losses_that_are_not_finite() -> None:
    curve = LossCurve().with_losses(np.array([1.0, math.nan, math.inf, 2.0]))
    assert curve.points().tolist() == [1.0, 2.0]


def test_a_resumed_run_extends_its_curve(store: RunStore, a_step: Step) -> None:
    run = store.commands.create_run(TrainConfig(), trainer=own_identity())
    store.trainer_writes.append_steps(run, Progress(step=2), [a_step(1, loss=4.0), a_step(2, loss=3.0)])
    recorder = MetricsBuffer(store, store.queries.get_run(run.id))
    recorder.add(a_step(3, loss=2.0))
    assert store.queries.get_run(run.id).curve == (4.0, 3.0, 2.0)


# Another process keeps the database locked


@pytest.mark.usefixtures("run")
def test_steps_are_kept_while_the_database_is_locked(
    database: Path, recorder: MetricsBuffer, clock: Clock, a_step: Step, an_evaluation: Evaluation
) -> None:
    store = recorder._store
    recorder.add(a_step(1))
    with locked_database(database):
        for step in range(2, 9):
            clock.now += 4.0
            assert recorder.add(a_step(step)) is None
            assert recorder.add(an_evaluation(step)) is None
        assert recorder.try_commit() is None
    assert commits(store) == [(1, 1)]
    assert recorder.try_commit() is None, "it was tried a moment ago"
    clock.now += LOCKED_SECONDS
    assert recorder.add(a_step(9)) is RunStatus.PREPARING
    assert commits(store) == [(1, 1), (2, 8)]
    (recorded,) = store.queries.list_runs()
    assert len(store.queries.list_evaluations(recorded.id)) == 7
    assert recorded.notice == (
        "Another process kept the database locked for 29 s. The results were kept in memory meanwhile; none is missing."
    )


def test_the_notice_of_the_run_stays_and_a_short_lock_is_not_worth_one(
    database: Path, store: RunStore, run: Run, clock: Clock, a_step: Step
) -> None:
    store.trainer_writes.set_notice(run, "MNIST-5k stands in.")
    run = store.queries.get_run(run.id)
    recorder = MetricsBuffer(store, run, clock)
    for step, seconds in ((1, 9.0), (2, 11.0)):
        with locked_database(database):
            clock.now += 1.0
            recorder.add(a_step(step))
        clock.now += seconds
        recorder.commit()
        told = store.queries.get_run(run.id).notice.removeprefix("MNIST-5k stands in.")
        assert bool(told) is (seconds > 10)


def test_training_waits_once_the_buffer_is_full(
    database: Path, store: RunStore, run: Run, clock: Clock, a_step: Step
) -> None:
    waits = []

    def should_end() -> bool:
        waits.append(len(commits(store)))
        return len(waits) == 5

    recorder = MetricsBuffer(store, run, clock, should_end=should_end)
    with locked_database(database):
        assert [recorder.add(a_step(step)) for step in range(1, 10)] == [None] * 9
        with pytest.raises(StoreLockedError):
            recorder.add(a_step(10))
    assert waits == [0, 0, 0, 0, 0]
    recorder.finish()
    assert commits(store) == [(1, 10)]
