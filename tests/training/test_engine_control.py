"""`train()` as a generator: repeating, pausing, steering, stopping and resuming it."""

import copy
import dataclasses
import time
from collections.abc import Generator
from typing import Any

import pytest
import torch

from mnist_core.config import LAST_BATCHES, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import ConfigError
from mnist_core.records import Adjustment, EvalMetrics, Event, StepMetrics
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState
from tests.support.training import timeless

CONFIG = TrainConfig(model="softmax", batch_size=20, epochs=2, momentum=0.9, device="cpu")
DROPOUT = dataclasses.replace(CONFIG, model="example")
"""A network that draws random numbers at every batch and computes differently in evaluation mode."""

EVENTS = 2 * (5 + 2) + 1


@pytest.fixture(scope="module")
def uninterrupted(few_digits: Dataset) -> list[dict[str, Any]]:
    return [timeless(event) for event in train(CONFIG, few_digits)]


@pytest.fixture(scope="module")
def uninterrupted_dropout(few_digits: Dataset) -> list[dict[str, Any]]:
    return [timeless(event) for event in train(DROPOUT, few_digits)]


def next_step(events: Generator[Event, Adjustment | None, None]) -> StepMetrics:
    return next(event for event in events if isinstance(event, StepMetrics))


def test_the_same_seed_gives_the_same_run_bit_for_bit(
    few_digits: Dataset, uninterrupted_dropout: list[dict[str, Any]]
) -> None:
    assert len(uninterrupted_dropout) == EVENTS
    assert [timeless(event) for event in train(DROPOUT, few_digits)] == uninterrupted_dropout


def test_another_seed_gives_another_run(few_digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    other = dataclasses.replace(CONFIG, seed=2)
    assert timeless(next(train(other, few_digits)))["loss"] != uninterrupted[0]["loss"]


def test_training_does_not_touch_the_consumers_random_numbers(few_digits: Dataset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(2 * EVENTS).tolist()
    torch.manual_seed(5)
    drawn: list[float] = []
    for _event in train(DROPOUT, few_digits):
        drawn += torch.rand(2).tolist()
    assert drawn == expected


def test_the_consumers_random_numbers_do_not_change_the_run(
    few_digits: Dataset, uninterrupted_dropout: list[dict[str, Any]]
) -> None:
    seen = []
    for number, event in enumerate(train(DROPOUT, few_digits)):
        torch.manual_seed(number)
        seen.append(timeless(event))
    assert seen == uninterrupted_dropout


def test_no_torch_mode_leaks_into_the_consumer(few_digits: Dataset) -> None:
    state = TrainState.initial(DROPOUT)
    events = 0
    for _event in train(DROPOUT, few_digits, state=state):
        events += 1
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert state.model.training
    assert events == EVENTS


def test_a_consumer_that_switches_to_eval_mode_does_not_change_the_run(
    few_digits: Dataset, uninterrupted_dropout: list[dict[str, Any]]
) -> None:
    state = TrainState.initial(DROPOUT)
    modes: list[tuple[bool, bool]] = []
    seen = []
    state.model.register_forward_hook(lambda model, *_: modes.append((torch.is_grad_enabled(), model.training)))
    for event in train(DROPOUT, few_digits, state=state):
        is_step = isinstance(event, StepMetrics)
        assert modes == [(is_step, is_step)]
        seen.append(timeless(event))
        modes.clear()
        state.model.eval()
    assert seen == uninterrupted_dropout


def test_an_adjustment_applies_from_the_next_batch_and_returns_its_event(few_digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, few_digits, state=state)
    assert next_step(events).lr == CONFIG.lr
    second = events.send(Adjustment(lr=0.05, batch_size=16))
    assert isinstance(second, StepMetrics)
    assert (second.step, second.lr, second.momentum) == (2, 0.05, 0.9)
    assert sum(map(sum, second.confusion)) == 16
    third = events.send(Adjustment(momentum=0.1))
    assert isinstance(third, StepMetrics)
    assert (third.step, third.lr, third.momentum) == (3, 0.05, 0.1)
    assert sum(map(sum, third.confusion)) == 16


def test_a_new_learning_rate_changes_what_is_learned(few_digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    events = train(CONFIG, few_digits)
    next(events)
    second = events.send(Adjustment(lr=0.05))
    assert second.loss == uninterrupted[1]["loss"]  # a loss is of the batch before its update
    assert next(events).loss != uninterrupted[2]["loss"]


def test_an_adjusted_batch_size_still_sees_every_image_once(few_digits: Dataset) -> None:
    events = train(dataclasses.replace(CONFIG, epochs=1, last_batch="keep"), few_digits)
    first = next(events)
    assert isinstance(first, StepMetrics)
    sizes = [20]
    second = events.send(Adjustment(batch_size=30))
    sizes += [sum(map(sum, event.confusion)) for event in [second, *events] if isinstance(event, StepMetrics)]
    assert sizes == [20, 30, 30, 10]


@pytest.mark.parametrize("last_batch", LAST_BATCHES)
def test_a_run_resumes_bit_for_bit_around_its_last_batch(few_digits: Dataset, last_batch: str) -> None:
    config = dataclasses.replace(CONFIG, batch_size=25, last_batch=last_batch)
    state = TrainState.initial(config)
    events, saved = [], [copy.deepcopy(state)]
    for event in train(config, few_digits, state=state):
        events.append(timeless(event))
        saved.append(copy.deepcopy(state))
    for position, earlier in enumerate(saved):
        assert [timeless(event) for event in train(config, few_digits, state=earlier)] == events[position:]


def test_sending_none_continues(few_digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    events = train(CONFIG, few_digits)
    seen = [timeless(events.send(None)) for _ in range(EVENTS)]
    assert seen == uninterrupted


@pytest.mark.parametrize(
    ("adjustment", "problem"),
    [
        (Adjustment(lr=2.0), "Learning rate must be between 0.0001 and 1, got 2"),
        (Adjustment(momentum=-0.1), "Momentum must be between 0 and 0.99"),
        (Adjustment(batch_size=0), "Batch size must be between 1 and 1024"),
    ],
)
def test_an_adjustment_out_of_range_is_refused(few_digits: Dataset, adjustment: Adjustment, problem: str) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, few_digits, state=state)
    next(events)
    with pytest.raises(ConfigError, match=problem):
        events.send(adjustment)
    assert state.step == 1


def test_an_adjustment_with_one_value_out_of_range_changes_nothing(few_digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, few_digits, state=state)
    next(events)
    with pytest.raises(ConfigError):
        events.send(Adjustment(lr=0.5, batch_size=0))
    assert state.lr == CONFIG.lr


def test_close_stops_and_keeps_the_state(few_digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, few_digits, state=state)
    next(events)
    next(events)
    events.close()
    with pytest.raises(StopIteration):
        next(events)
    assert (state.step, state.epoch, state.offset) == (2, 1, 40)


# 2: mid-epoch. 3: evaluation on validation is due. 4: right after it. 7: an epoch is complete. 13 and 14: validation
# and test are due at the very end. 15: nothing is left.
@pytest.mark.parametrize("events_before", [1, 2, 3, 4, 6, 7, 8, 12, 13, 14, 15])
def test_a_copied_state_resumes_with_the_same_remaining_events(
    few_digits: Dataset, uninterrupted: list[dict[str, Any]], events_before: int
) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, few_digits, state=state)
    for _ in range(events_before):
        next(events)
    resumed = copy.deepcopy(state)
    for _event in events:  # further training must not change the copy
        pass
    assert [timeless(event) for event in train(CONFIG, few_digits, state=resumed)] == uninterrupted[events_before:]


def test_a_copied_state_draws_the_same_random_numbers(
    few_digits: Dataset, uninterrupted_dropout: list[dict[str, Any]]
) -> None:
    state = TrainState.initial(DROPOUT)
    events = train(DROPOUT, few_digits, state=state)
    next(events)
    resumed = copy.deepcopy(state)
    next(events)
    assert [timeless(event) for event in train(DROPOUT, few_digits, state=resumed)] == uninterrupted_dropout[1:]


def test_two_interleaved_runs_do_not_disturb_each_other(
    few_digits: Dataset, uninterrupted_dropout: list[dict[str, Any]]
) -> None:
    pairs = zip(train(DROPOUT, few_digits), train(dataclasses.replace(DROPOUT, seed=9), few_digits), strict=True)
    assert [timeless(event) for event, _ in pairs] == uninterrupted_dropout


def test_the_consumers_time_is_left_out_of_elapsed_seconds(
    few_digits: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0

    def clock() -> float:
        nonlocal now
        now += 0.125  # each reading is an eighth of a second later
        return now

    monkeypatch.setattr(time, "perf_counter", clock)
    elapsed = []
    for event in train(dataclasses.replace(CONFIG, epochs=1), few_digits):
        now += 500  # a pause
        elapsed.append(event.elapsed_seconds)
        if isinstance(event, StepMetrics):
            assert event.examples_per_second == sum(map(sum, event.confusion)) / 0.125
    assert elapsed == [0.125 * number for number in range(1, 5 + 2 + 1 + 1)]


def test_elapsed_seconds_continue_after_resuming(few_digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    next(train(CONFIG, few_digits, state=state))
    before = state.elapsed_seconds
    assert 0 < before < next(train(CONFIG, few_digits, state=state)).elapsed_seconds


def test_a_requested_evaluation_comes_next_and_changes_nothing_else(
    few_digits: Dataset, uninterrupted: list[dict[str, Any]]
) -> None:
    events = train(CONFIG, few_digits)
    next(events)
    evaluation = events.send(Adjustment(evaluate=True))
    assert isinstance(evaluation, EvalMetrics)
    assert (evaluation.step, evaluation.split) == (1, "validation")
    assert [timeless(event) for event in events] == uninterrupted[1:]


def test_without_validation_images_a_requested_evaluation_is_on_test(few_digits: Dataset) -> None:
    config = dataclasses.replace(CONFIG, validation_fraction=0)
    expected = [timeless(event) for event in train(config, few_digits)]
    events = train(config, few_digits)
    next(events)
    evaluation = events.send(Adjustment(evaluate=True))
    assert isinstance(evaluation, EvalMetrics)
    assert evaluation.split == "test"
    assert [timeless(event) for event in events] == expected[1:]
