"""Reading evaluations with their probabilities, without them, and one image of them all."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import update

from mnist_core.config import TrainConfig
from mnist_core.errors import DamagedRunError, EvaluationNotFoundError
from mnist_core.records import EvalMetrics, ProcessIdentity, Progress, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.store.change_feed import Cursor
from mnist_core.store.schema import evaluations
from tests.support.factories import sure_levels

Evaluation = Callable[..., EvalMetrics]
TRAINER = ProcessIdentity(4321, 99, "boot")


@pytest.fixture
def run(store: RunStore) -> Run:
    run = store.commands.create_run(TrainConfig(), trainer=TRAINER)
    sizes = {"train_images": 270, "validation_images": 100, "test_images": 100}
    store.trainer_writes.begin_training(run, dataset="MNIST", notice="", **sizes, device="cpu", threads=2)
    return run


def sure(evaluation: EvalMetrics) -> EvalMetrics:
    """Return an evaluation that gives each predicted label the probability 0.8."""
    return replace(evaluation, probabilities=sure_levels(evaluation.predictions))


@pytest.fixture
def recorded(store: RunStore, run: Run, an_evaluation: Evaluation) -> Run:
    """A run with an evaluation from before probabilities were kept, and two with them."""
    written = [an_evaluation(5), sure(an_evaluation(9, right=80)), sure(an_evaluation(9, "test", 88))]
    store.trainer_writes.append_steps(run, Progress(step=9), [], written)
    return run


def levels_of(store: RunStore, run: Run) -> list[list[list[int]] | None]:
    read = store.queries.list_evaluations(run.id, probabilities=True)
    return [None if e.probabilities is None else e.probabilities.tolist() for e in read]


def test_probabilities_are_read_only_where_asked(store: RunStore, recorded: Run, an_evaluation: Evaluation) -> None:
    assert [e.probabilities for e in store.queries.list_evaluations(recorded.id)] == [None] * 3
    first, second, third = levels_of(store, recorded)
    assert first is None
    assert second == np.asarray(sure(an_evaluation(9, right=80)).probabilities).tolist()
    assert third == np.asarray(sure(an_evaluation(9, "test", 88)).probabilities).tolist()
    assert [e.metrics.probabilities for e in store.queries.read_changes(Cursor()).evaluations] == [None] * 3


def test_the_list_says_which_evaluations_kept_probabilities(store: RunStore, recorded: Run) -> None:
    listed = store.queries.list_stored_evaluations(recorded.id)
    assert [(e.step, e.split, e.accuracy, e.images, e.has_probabilities) for e in listed] == [
        (5, "validation", 0.9, 100, False),
        (9, "validation", 0.8, 100, True),
        (9, "test", 0.88, 100, True),
    ]
    one = store.queries.get_evaluation(recorded.id, listed[1].id)
    assert (one.step, one.split) == (9, "validation")
    assert one.probabilities is not None


def test_an_evaluation_of_another_run_is_not_found(store: RunStore, recorded: Run) -> None:
    other = store.commands.create_run(TrainConfig())
    (evaluation, *_) = store.queries.list_stored_evaluations(recorded.id)
    with pytest.raises(EvaluationNotFoundError, match=f"Run {other.id} has no evaluation {evaluation.id}"):
        store.queries.get_evaluation(other.id, evaluation.id)


def test_one_image_is_followed_through_the_evaluations_of_a_split(store: RunStore, recorded: Run) -> None:
    history = store.queries.list_image_predictions(recorded.id, "validation", 85)
    assert [(p.step, p.label, p.probability) for p in history] == [(5, 0, None), (9, 1, 0.8)]
    assert store.queries.list_image_predictions(recorded.id, "validation", 100) == []


def test_a_run_that_continues_inherits_the_probabilities(store: RunStore, recorded: Run) -> None:
    store.trainer_writes.finish_run(recorded, RunStatus.STOPPED)
    child = store.commands.create_run(TrainConfig(), parent=store.queries.get_run(recorded.id), parent_step=9)
    assert levels_of(store, child) == levels_of(store, recorded)


def test_a_rewind_deletes_later_evaluations_for_good(store: RunStore, recorded: Run, an_evaluation: Evaluation) -> None:
    before = {e.id for e in store.queries.list_stored_evaluations(recorded.id)}
    store.trainer_writes.rewind(recorded, 5, 1.0)
    assert [e.step for e in store.queries.list_stored_evaluations(recorded.id)] == [5]
    store.trainer_writes.append_steps(recorded, Progress(step=9), [], [sure(an_evaluation(9))])
    assert store.queries.list_stored_evaluations(recorded.id)[-1].id not in before


def test_damaged_probabilities_damage_the_run_only_where_they_are_read(store: RunStore, recorded: Run) -> None:
    with store._engine.begin() as connection:
        connection.execute(update(evaluations).values(probabilities=b"no zlib"))
    assert len(store.queries.list_evaluations(recorded.id)) == 3
    with pytest.raises(DamagedRunError, match="Its evaluations cannot be read"):
        store.queries.list_evaluations(recorded.id, probabilities=True)
