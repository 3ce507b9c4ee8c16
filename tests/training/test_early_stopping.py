"""Early stopping in `train()`: when it stops, and with which weights a run ends."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import ConfigError
from mnist_core.records import Adjustment, EvalMetrics, Event
from mnist_core.training.batches import Images
from mnist_core.training.engine import evaluate, train
from mnist_core.training.train_state import TrainState
from tests.support.training import EARLY, timeless

STOPS_AT, BEST = 36, 23


def evaluations_of(events: list[Event], split: str = "validation") -> list[EvalMetrics]:
    return [event for event in events if isinstance(event, EvalMetrics) and event.split == split]


def weights_of(state: TrainState) -> list[Any]:
    return [tensor.tolist() for tensor in state.tensors().values()]


@pytest.fixture(scope="module")
def endless(digits: Dataset) -> list[Event]:
    """The events of the same run without early stopping."""
    return list(train(replace(EARLY, patience=0), digits))


@pytest.fixture
def state() -> TrainState:
    return TrainState.initial(EARLY)


def test_a_run_stops_once_its_patience_is_spent(digits: Dataset, endless: list[Event], state: TrainState) -> None:
    events = list(train(EARLY, digits, state=state))
    *earlier, test = events
    assert [timeless(event) for event in earlier] == [timeless(event) for event in endless[: len(earlier)]]
    losses = {event.step: event.loss for event in evaluations_of(events)}
    assert list(losses)[-1] == STOPS_AT
    assert min(losses, key=losses.__getitem__) == BEST
    assert list(losses).index(STOPS_AT) - list(losses).index(BEST) == EARLY.patience
    assert isinstance(test, EvalMetrics)
    assert (test.split, test.step, test.epoch) == ("test", BEST, 3)
    assert state.ending == (
        f"Stopped at step {STOPS_AT}: validation loss had not improved for 3 evaluations. "
        f"The weights are those of step {BEST}."
    )


def test_a_stopped_run_is_what_it_was_at_its_best_step(digits: Dataset, state: TrainState) -> None:
    config = replace(EARLY, optimizer="adam", lr=0.02)
    state = TrainState.initial(config)
    events = list(train(config, digits, state=state))
    best = min(evaluations_of(events), key=lambda event: event.loss)
    until_best = TrainState.initial(config)
    for event in train(replace(config, patience=0), digits, state=until_best):
        if isinstance(event, EvalMetrics) and event.step == best.step:
            break
    assert state.step == best.step < events[-2].step
    assert weights_of(state) == weights_of(until_best)
    assert state.position | {"elapsed_seconds": 0} == until_best.position | {"elapsed_seconds": 0}


def test_the_test_is_that_of_the_best_weights(digits: Dataset, state: TrainState, endless: list[Event]) -> None:
    (test,) = evaluations_of(list(train(EARLY, digits, state=state)), "test")
    again = TrainState.initial(EARLY)
    for event in train(replace(EARLY, patience=0), digits, state=again):
        if event.step == BEST and isinstance(event, EvalMetrics):
            break
    images = Images.on_device(digits.test, torch.device("cpu"))
    loss, _, predictions, _ = evaluate(again.model, images, EARLY.test_batch_size)
    assert (test.loss, test.predictions.tolist()) == (loss, predictions.tolist())
    assert test.loss != evaluations_of(endless, "test")[0].loss


def test_while_the_test_is_shown_the_state_is_that_of_the_last_step(digits: Dataset, state: TrainState) -> None:
    events = train(EARLY, digits, state=state)
    before: list[Any] = []
    for event in events:
        if isinstance(event, EvalMetrics) and event.split == "test":
            assert (state.step, state.ending) == (STOPS_AT, "")
            assert weights_of(state) == before
        before = weights_of(state)
    assert state.step == BEST


def test_at_the_last_epoch_a_run_goes_back_to_its_best(digits: Dataset) -> None:
    config = replace(EARLY, patience=5, epochs=4)
    state = TrainState.initial(config)
    events = list(train(config, digits, state=state))
    assert (events[-2].step, state.step) == (36, BEST)
    assert state.ending == "Trained to the end. The weights are those of step 23, where validation loss was best."
    assert events[-1].step == BEST


def test_a_run_whose_last_evaluation_is_its_best_ends_as_without_patience(digits: Dataset) -> None:
    config = replace(EARLY, epochs=1)
    state, plain = TrainState.initial(config), TrainState.initial(config)
    events = [timeless(event) for event in train(config, digits, state=state)]
    assert events == [timeless(event) for event in train(replace(config, patience=0), digits, state=plain)]
    assert weights_of(state) == weights_of(plain)
    assert state.ending == ""


@pytest.mark.parametrize(("min_delta", "stops_at"), [(0.0, STOPS_AT), (0.2, 18)])
def test_an_improvement_must_be_larger_than_the_least_one(digits: Dataset, min_delta: float, stops_at: int) -> None:
    config = replace(EARLY, min_delta=min_delta)
    state = TrainState.initial(config)
    events = list(train(config, digits, state=state))
    assert events[-2].step == stops_at
    assert (" by more than 0.2 for" in state.ending) == bool(min_delta)


def test_accuracy_can_be_watched_instead(digits: Dataset) -> None:
    config = replace(EARLY, monitor="accuracy", patience=1)
    state = TrainState.initial(config)
    accuracies = [event.accuracy for event in evaluations_of(list(train(config, digits, state=state)))]
    assert accuracies[-1] <= max(accuracies[:-1]) == accuracies[-2]
    assert "validation accuracy had not improved for 1 evaluation." in state.ending


def test_looking_changes_nothing(digits: Dataset, state: TrainState) -> None:
    """Only scheduled evaluations count: a person who asks for another does not change the run."""
    looked_at, events = [], train(EARLY, digits, state=state)
    event: Event | None = next(events)
    while event is not None:
        looked_at.append(event)
        try:
            event = events.send(Adjustment(evaluate=event.step % 2 == 0 and not isinstance(event, EvalMetrics)))
        except StopIteration:
            event = None
    assert len(evaluations_of(looked_at)) > 20
    assert state.step == BEST
    assert max(event.step for event in looked_at) == STOPS_AT
    assert weights_of(state) == weights_of(ended(digits))


def ended(digits: Dataset) -> TrainState:
    state = TrainState.initial(EARLY)
    for _event in train(EARLY, digits, state=state):
        pass
    return state


def test_a_loss_that_is_no_number_is_no_improvement(digits: Dataset, state: TrainState) -> None:
    events = train(EARLY, digits, state=state)
    for event in events:
        if isinstance(event, EvalMetrics) and event.step == BEST:
            with torch.no_grad():
                next(state.model.parameters()).fill_(math.nan)
            break
    assert math.isnan([*events][-2].loss)
    assert state.step == BEST


def test_a_run_without_a_test_keeps_its_best_weights_too(digits: Dataset) -> None:
    config = replace(EARLY, skip_test=True)
    state = TrainState.initial(config)
    events = list(train(config, digits, state=state))
    assert evaluations_of(events, "test") == []
    assert (events[-1].step, state.step) == (STOPS_AT, BEST)


def test_patience_without_validation_images_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"^Patience needs a validation fraction above 0: .* got patience 2\.$"
    ) as caught:
        TrainConfig(patience=2, validation_fraction=0.0)
    assert caught.value.field == "patience"
