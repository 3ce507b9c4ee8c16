"""The run store for trainers and readers: steps, evaluations, fencing and the change feed."""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import StaleAttemptError
from mnist_core.records import EvalMetrics, ProcessIdentity, Progress, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.store.change_feed import Changes, Cursor

Step = Callable[..., StepMetrics]
Evaluation = Callable[..., EvalMetrics]
CONFUSION = tuple(tuple(row * 10 + column for column in range(10)) for row in range(10))


@pytest.fixture
def run(store: RunStore) -> Run:
    """A run in training, held by this attempt."""
    run = store.commands.create_run(TrainConfig(), trainer=ProcessIdentity(4321, 99, "boot"))
    sizes = {"train_images": 270, "validation_images": 30, "test_images": 100}
    store.trainer_writes.begin_training(run, dataset="MNIST", notice="", **sizes, device="cpu", threads=2)
    return run


def test_steps_are_read_in_order(store: RunStore, run: Run, a_step: Step) -> None:
    for first in (1, 4, 7):
        steps = [a_step(step, loss=10 - step, epoch=first) for step in range(first, first + 3)]
        assert store.trainer_writes.append_steps(run, Progress(step=first + 2), steps) is RunStatus.RUNNING
    table = store.queries.read_steps(run.id)
    assert table["loss"].tolist() == [9, 8, 7, 6, 5, 4, 3, 2, 1]
    assert table["epoch"].tolist() == [1, 1, 1, 4, 4, 4, 7, 7, 7]


def test_a_run_without_steps_has_an_empty_table(store: RunStore, run: Run) -> None:
    assert len(store.queries.read_steps(run.id)) == 0
    assert store.queries.list_evaluations(run.id) == []


def test_the_learning_rates_of_two_steps_are_read_within_and_across_commits(
    store: RunStore, run: Run, a_step: Step
) -> None:
    for first in (1, 4):
        steps = [a_step(step, lr=step / 100) for step in range(first, first + 3)]
        store.trainer_writes.append_steps(run, Progress(step=first + 2), steps)
    rates = [store.queries.read_rates_at(run.id, step) for step in (1, 3, 5, 6, 7)]
    assert rates == [(0.01, 0.02), (0.03, 0.04), (0.05, 0.06), (0.06,), ()]


def test_progress_is_kept_with_the_run(store: RunStore, run: Run) -> None:
    progress = Progress(12, 2, 0.25, 0.9, 5500.0, 3.5, CONFUSION)
    store.trainer_writes.append_steps(run, progress)
    assert store.queries.get_run(run.id).progress == progress


def test_a_nan_loss_is_kept(store: RunStore, run: Run, a_step: Step, an_evaluation: Evaluation) -> None:
    store.trainer_writes.append_steps(
        run, Progress(1, 1, math.nan), [a_step(1, math.nan)], [an_evaluation(1, loss=math.nan)]
    )
    assert math.isnan(store.queries.read_steps(run.id)["loss"][0])
    assert math.isnan(store.queries.list_evaluations(run.id)[0].loss)
    assert store.queries.get_run(run.id).progress.loss is None


def test_evaluations_come_back_whole_and_in_order(store: RunStore, run: Run, an_evaluation: Evaluation) -> None:
    written = [an_evaluation(5), an_evaluation(9), an_evaluation(9, "test", 88)]
    store.trainer_writes.append_steps(run, Progress(step=9), [], written[:1])
    store.trainer_writes.append_steps(run, Progress(step=9), [], written[1:])
    read = store.queries.list_evaluations(run.id)
    for before, after in zip(written, read, strict=True):
        assert after.predictions.tolist() == before.predictions.tolist()
        assert dataclasses.replace(after, predictions=before.predictions) == before


def test_the_best_validation_accuracy_is_kept_and_the_latest_too(
    store: RunStore, run: Run, an_evaluation: Evaluation
) -> None:
    assert store.queries.get_run(run.id).results.best_validation_accuracy is None
    for right, best in [(70, 0.7), (90, 0.9), (80, 0.9)]:
        store.trainer_writes.append_steps(run, Progress(), [], [an_evaluation(1, right=right)])
        results = store.queries.get_run(run.id).results
        assert (results.validation_accuracy, results.best_validation_accuracy) == (right / 100, best)
    assert results.test_accuracy is None


def test_the_best_of_several_evaluations_in_one_commit_counts(
    store: RunStore, run: Run, an_evaluation: Evaluation
) -> None:
    store.trainer_writes.append_steps(
        run, Progress(), [], [an_evaluation(step, right=right) for step, right in ((1, 95), (2, 85))]
    )
    results = store.queries.get_run(run.id).results
    assert (results.validation_accuracy, results.best_validation_accuracy) == (0.85, 0.95)


def test_test_results_do_not_touch_validation(store: RunStore, run: Run, an_evaluation: Evaluation) -> None:
    store.trainer_writes.append_steps(
        run, Progress(), [], [an_evaluation(9, right=60), an_evaluation(9, "test", 99, loss=0.125)]
    )
    results = store.queries.get_run(run.id).results
    assert (results.test_accuracy, results.test_loss) == (0.99, 0.125)
    assert (results.validation_accuracy, results.best_validation_accuracy) == (0.6, 0.6)


# Fencing


def everything(store: RunStore) -> Changes:
    changes = store.queries.read_changes(Cursor())
    return dataclasses.replace(changes, steps=[], evaluations=[])  # arrays do not compare; the cursor counts them


def write_all_ways(store: RunStore, run: Run, a_step: Step, an_evaluation: Evaluation) -> None:
    sizes = {"train_images": 1, "validation_images": 1, "test_images": 1}
    for write in (
        lambda: store.trainer_writes.append_steps(run, Progress(step=2), [a_step(2)], [an_evaluation(2, "test")]),
        lambda: store.trainer_writes.set_notice(run, "late"),
        lambda: store.trainer_writes.begin_training(run, dataset="late", notice="", **sizes, device="cpu", threads=2),
        lambda: store.trainer_writes.finish_run(run, RunStatus.COMPLETED),
    ):
        before = everything(store)
        with pytest.raises(StaleAttemptError):
            write()
        assert everything(store) == before


@pytest.mark.parametrize("ending", [RunStatus.COMPLETED, RunStatus.STOPPED, RunStatus.INTERRUPTED])
def test_nothing_is_written_to_a_run_that_has_ended(
    store: RunStore, run: Run, a_step: Step, an_evaluation: Evaluation, ending: RunStatus
) -> None:
    store.trainer_writes.append_steps(run, Progress(step=1), [a_step(1)])
    store.trainer_writes.finish_run(run, ending)
    write_all_ways(store, run, a_step, an_evaluation)


@pytest.mark.parametrize("attempt", [0, 2])
def test_nothing_is_written_for_another_attempt(
    store: RunStore, run: Run, a_step: Step, an_evaluation: Evaluation, attempt: int
) -> None:
    other = dataclasses.replace(run, attempt=attempt)
    write_all_ways(store, other, a_step, an_evaluation)
    assert not store.commands.interrupt_run(other, "gone")
    assert store.trainer_writes.append_steps(run, Progress(step=1), [a_step(1)]) is RunStatus.RUNNING


def test_a_write_to_one_run_does_not_touch_others(store: RunStore, run: Run, a_step: Step) -> None:
    other = store.commands.create_run(TrainConfig(), trainer=ProcessIdentity(1, 1, "boot"))
    store.trainer_writes.append_steps(run, Progress(step=1), [a_step(1)])
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    assert store.queries.get_run(other.id) == other
    assert len(store.queries.read_steps(other.id)) == 0


# Changes


def test_changes_come_once_and_complete(store: RunStore, run: Run, a_step: Step, an_evaluation: Evaluation) -> None:
    cursor = store.queries.latest_cursor()
    store.trainer_writes.append_steps(run, Progress(step=2), [a_step(1, 0.5), a_step(2, 0.25)])
    store.trainer_writes.append_steps(run, Progress(step=3), [a_step(3, 0.125)], [an_evaluation(3)])
    changes = store.queries.read_changes(cursor)
    assert changes.runs == [store.queries.get_run(run.id)]
    assert [(new.run_id, new.attempt, new.first_step) for new in changes.steps] == [(run.id, 1, 1), (run.id, 1, 3)]
    assert [new.unpack()["loss"].tolist() for new in changes.steps] == [[0.5, 0.25], [0.125]]
    (evaluation,) = changes.evaluations
    assert (evaluation.run_id, evaluation.attempt, evaluation.metrics.step) == (run.id, 1, 3)

    assert store.queries.read_changes(changes.cursor) == Changes(changes.cursor)
    assert store.queries.latest_cursor() == changes.cursor


def test_every_kind_of_write_shows_as_a_change(store: RunStore) -> None:
    trainer = ProcessIdentity(1, 1, "boot")
    cursor = store.queries.latest_cursor()
    assert cursor == Cursor()

    def statuses() -> list[str]:
        nonlocal cursor
        changes = store.queries.read_changes(cursor)
        cursor = changes.cursor
        return [f"{run.name} {run.status}" for run in changes.runs]

    first, second = (store.commands.create_run(TrainConfig(), name) for name in ("first", "second"))
    assert statuses() == ["first queued", "second queued"]
    claimed = store.trainer_writes.claim_run(first.id, trainer, max_active=1)
    assert claimed
    assert statuses() == ["first preparing"]
    store.commands.request_stop(first.id)
    store.commands.request_stop(second.id)
    assert statuses() == ["first stopping", "second stopped"]
    store.trainer_writes.finish_run(claimed, RunStatus.STOPPED)
    assert statuses() == ["first stopped"]
    store.commands.request_stop(first.id)
    assert statuses() == []


def test_a_reader_from_the_start_sees_everything(
    store: RunStore, run: Run, a_step: Step, an_evaluation: Evaluation
) -> None:
    store.trainer_writes.append_steps(run, Progress(step=1), [a_step(1)], [an_evaluation(1)])
    changes = store.queries.read_changes(Cursor())
    assert (len(changes.runs), len(changes.steps), len(changes.evaluations)) == (1, 1, 1)
    assert changes.cursor == store.queries.latest_cursor()


def test_a_watch_notices_commits_of_other_connections(store: RunStore, run: Run, places: Path) -> None:
    elsewhere = RunStore.open(places / "runs")
    watch = store.queries.watch()
    assert watch.has_new_commits()
    assert not watch.has_new_commits()
    elsewhere.trainer_writes.set_notice(run, "hello")
    assert watch.has_new_commits()
    assert not watch.has_new_commits()
    store.trainer_writes.set_notice(run, "hello again")  # over another connection of the same store
    assert watch.has_new_commits()
    elsewhere.queries.list_runs()
    assert not watch.has_new_commits()
    watch.close()
    elsewhere.close()


def test_the_steps_of_a_finished_run_are_one_chunk_that_readers_are_not_sent_again(
    store: RunStore, run: Run, a_step: Step
) -> None:
    store.trainer_writes.append_steps(run, Progress(step=2), [a_step(1), a_step(2)])
    behind = store.queries.latest_cursor()
    store.trainer_writes.append_steps(run, Progress(step=3), [a_step(3, loss=0.25)])
    up_to_date = store.queries.latest_cursor()
    before = store.queries.read_steps(run.id)
    store.trainer_writes.finish_run(run, RunStatus.COMPLETED)
    assert store.queries.read_steps(run.id).tolist() == before.tolist()
    assert store.queries.read_changes(up_to_date).steps == []
    (missed,) = store.queries.read_changes(behind).steps
    assert (missed.first_step, missed.unpack()["loss"].tolist()) == (1, [0.5, 0.5, 0.25])
