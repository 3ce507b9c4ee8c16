"""Which steps get a snapshot: at most twelve, even in log steps, at evaluations if they are near, always the last."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_core.checkpoints.snapshot_plan import MAX_SNAPSHOTS, Position, evaluation_steps, next_snapshot
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Adjustment, EvalMetrics
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState

CONFIG = TrainConfig()
SMALL = TrainConfig(dataset="mnist", model="softmax", batch_size=30, epochs=2, device="cpu")


def snapshots(config: TrainConfig, images: int, saved: tuple[int, ...] = (), step: int = 0) -> list[int]:
    """Return the steps of all snapshots of a run whose settings stay the same, from `step` on."""
    evaluations = evaluation_steps(config, images, Position(0, 1, 0, config.batch_size))
    steps = list(saved)
    while (planned := next_snapshot(steps, step, evaluations)) is not None:
        steps.append(planned)
        step = planned
    return steps


def test_the_default_run_keeps_its_first_steps_and_then_its_evaluations() -> None:
    assert snapshots(CONFIG, 54_000) == [1, 2, 4, 8, 17, 35, 72, 147, 422, 844, 1266, 2532]


def test_a_long_run_keeps_evaluations_alone_once_they_are_near() -> None:
    steps = snapshots(replace(CONFIG, epochs=50), 54_000)
    assert steps == [1, 3, 7, 18, 48, 127, 422, 844, 2110, 5908, 16036, 42200]


@pytest.mark.parametrize(
    ("images", "batch_size", "epochs", "steps"),
    [
        (270, 270, 1, [1]),
        (270, 135, 1, [1, 2]),
        (270, 90, 2, [1, 2, 3, 4, 5, 6]),
        (270, 30, 1, [1, 2, 3, 4, 5, 6, 7, 9]),
    ],
)
def test_a_short_run_keeps_each_step_at_most_once(images: int, batch_size: int, epochs: int, steps: list[int]) -> None:
    assert snapshots(TrainConfig(batch_size=batch_size, epochs=epochs), images) == steps


def test_a_run_without_validation_has_its_last_snapshots_at_the_ends_of_epochs() -> None:
    assert snapshots(TrainConfig(validation_fraction=0), 60_000)[-3:] == [938, 1876, 2814]


def test_a_resumed_run_goes_on_as_if_it_had_not_been_interrupted() -> None:
    undisturbed = snapshots(CONFIG, 54_000)
    for count, step in ((3, 5), (8, 400), (9, 422), (11, 2000)):
        assert snapshots(CONFIG, 54_000, tuple(undisturbed[:count]), step) == undisturbed


def test_a_run_that_was_trained_without_snapshots_keeps_those_of_its_remaining_steps() -> None:
    steps = snapshots(CONFIG, 54_000, (), 2000)
    assert steps[0] == 2001
    assert steps[-1] == 2532
    assert len(steps) <= MAX_SNAPSHOTS


@given(
    first=st.integers(1, 1024),
    second=st.integers(1, 1024),
    changed_after=st.floats(0, 1),
    epochs=st.integers(1, 50),
    images=st.integers(1024, 60_000),
    validation=st.sampled_from([0.0, 0.1]),
)
def test_a_changed_batch_size_never_makes_too_many_and_the_last_step_is_kept(
    *, first: int, second: int, changed_after: float, epochs: int, images: int, validation: float
) -> None:
    config = TrainConfig(batch_size=first, epochs=epochs, validation_fraction=validation)
    evaluations = evaluation_steps(config, images, Position(0, 1, 0, first))
    change = int(changed_after * epochs * images)
    saved: list[int] = []
    epoch, offset = divmod(change // first * first, images)
    step = change // first
    while (planned := next_snapshot(saved, max(saved, default=0), evaluations)) is not None and planned <= step:
        saved.append(planned)
    if epoch < epochs:
        position = Position(step, epoch + 1, offset, second)
        evaluations = [*(e for e in evaluations if e <= step), *evaluation_steps(config, images, position)]
    while (planned := next_snapshot(saved, max([step, *saved]), evaluations)) is not None:
        saved.append(planned)
    assert saved == sorted(set(saved))
    assert len(saved) <= MAX_SNAPSHOTS
    assert saved[-1] == evaluations[-1] or epoch >= epochs


@pytest.mark.parametrize("batch_size", [30, 40, 270])
@pytest.mark.parametrize("last_batch", ["auto", "keep", "drop"])
@pytest.mark.parametrize("validation_fraction", [0.1, 0.0])
def test_the_evaluations_are_those_that_training_makes(
    digits: Dataset, batch_size: int, last_batch: str, validation_fraction: float
) -> None:
    config = replace(SMALL, batch_size=batch_size, last_batch=last_batch, validation_fraction=validation_fraction)
    images = 300 - round(300 * validation_fraction)
    made = {event.step for event in train(config, digits) if isinstance(event, EvalMetrics)}
    assert evaluation_steps(config, images, Position(0, 1, 0, batch_size)) == sorted(made)


def test_the_evaluations_to_come_follow_the_changed_batch_size(digits: Dataset) -> None:
    state = TrainState.initial(SMALL)
    events = train(SMALL, digits, state=state)
    for _step in range(3):
        next(events)
    event = events.send(Adjustment(batch_size=11))
    planned = evaluation_steps(SMALL, 270, Position(state.step, state.epoch, state.offset, state.batch_size))
    made = {event.step for event in [event, *events] if isinstance(event, EvalMetrics)}
    assert planned == sorted(made)
