"""`train()` as a generator: repeating, pausing, steering, stopping and resuming it."""

import copy
import dataclasses
import time
from collections.abc import Generator
from typing import Any

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import ConfigError
from mnist_core.records import Adjustment, EvalMetrics, Event, StepMetrics
from mnist_core.training.engine import TrainState, train
from tests.support.training import timeless

CONFIG = TrainConfig(batch_size=64, epochs=2, momentum=0.9, device="cpu")
EVENTS = 2 * (5 + 2) + 1


@pytest.fixture(scope="module")
def uninterrupted(digits: Dataset) -> list[dict[str, Any]]:
    return [timeless(event) for event in train(CONFIG, digits)]


def next_step(events: Generator[Event, Adjustment | None, None]) -> StepMetrics:
    return next(event for event in events if isinstance(event, StepMetrics))


def test_the_same_seed_gives_the_same_run_bit_for_bit(digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    assert len(uninterrupted) == EVENTS
    assert [timeless(event) for event in train(CONFIG, digits)] == uninterrupted


def test_another_seed_gives_another_run(digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    other = dataclasses.replace(CONFIG, seed=2)
    assert timeless(next(train(other, digits)))["loss"] != uninterrupted[0]["loss"]


def test_the_consumers_random_numbers_are_left_alone(digits: Dataset) -> None:
    torch.manual_seed(5)
    expected = torch.rand(2 * EVENTS).tolist()
    torch.manual_seed(5)
    drawn: list[float] = []
    for _event in train(CONFIG, digits):
        drawn += torch.rand(2).tolist()
    assert drawn == expected


def test_the_consumers_random_numbers_do_not_matter(digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    seen = []
    for number, event in enumerate(train(CONFIG, digits)):
        torch.manual_seed(number)
        seen.append(timeless(event))
    assert seen == uninterrupted


def test_no_mode_leaks_into_the_consumer(digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    events = 0
    for _event in train(CONFIG, digits, state=state):
        events += 1
        assert torch.is_grad_enabled()
        assert not torch.is_inference_mode_enabled()
        assert state.model.training
    assert events == EVENTS


def test_a_consumer_that_switches_to_eval_mode_does_not_change_the_run(digits: Dataset) -> None:
    # This network computes alike in both modes; one with dropout would not.
    state = TrainState.initial(CONFIG)
    modes: list[tuple[bool, bool]] = []
    state.model.register_forward_hook(lambda model, *_: modes.append((torch.is_grad_enabled(), model.training)))
    for event in train(CONFIG, digits, state=state):
        is_step = isinstance(event, StepMetrics)
        assert modes == [(is_step, is_step)]
        modes.clear()
        state.model.eval()


def test_an_adjustment_applies_from_the_next_batch_and_returns_its_event(digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, digits, state=state)
    assert next_step(events).lr == CONFIG.lr
    second = events.send(Adjustment(lr=0.05, batch_size=16))
    assert isinstance(second, StepMetrics)
    assert (second.step, second.lr, second.momentum) == (2, 0.05, 0.9)
    assert sum(map(sum, second.confusion)) == 16
    third = events.send(Adjustment(momentum=0.1))
    assert isinstance(third, StepMetrics)
    assert (third.step, third.lr, third.momentum) == (3, 0.05, 0.1)
    assert sum(map(sum, third.confusion)) == 16


def test_a_new_learning_rate_changes_what_is_learned(digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    events = train(CONFIG, digits)
    next(events)
    second = events.send(Adjustment(lr=0.05))
    assert second.loss == uninterrupted[1]["loss"]  # a loss is of the batch before its update
    assert next(events).loss != uninterrupted[2]["loss"]


def test_an_adjusted_batch_size_still_sees_every_image_once(digits: Dataset) -> None:
    events = train(dataclasses.replace(CONFIG, epochs=1), digits)
    first = next(events)
    assert isinstance(first, StepMetrics)
    sizes = [64]
    second = events.send(Adjustment(batch_size=100))
    sizes += [sum(map(sum, event.confusion)) for event in [second, *events] if isinstance(event, StepMetrics)]
    assert sizes == [64, 100, 100, 6]


def test_sending_nothing_goes_on(digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    events = train(CONFIG, digits)
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
def test_an_adjustment_out_of_range_is_refused(digits: Dataset, adjustment: Adjustment, problem: str) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, digits, state=state)
    next(events)
    with pytest.raises(ConfigError, match=problem):
        events.send(adjustment)
    assert state.step == 1


def test_an_adjustment_of_which_one_value_is_out_of_range_changes_nothing(digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, digits, state=state)
    next(events)
    with pytest.raises(ConfigError):
        events.send(Adjustment(lr=0.5, batch_size=0))
    assert state.lr == CONFIG.lr


def test_close_stops_and_leaves_the_state_where_it_was(digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, digits, state=state)
    next(events)
    next(events)
    events.close()
    with pytest.raises(StopIteration):
        next(events)
    assert (state.step, state.epoch, state.offset) == (2, 1, 128)


# 2: mid-epoch. 3: evaluation on validation is due. 4: right after it. 7: an epoch is complete. 13 and 14: validation
# and test are due at the very end. 15: nothing is left.
@pytest.mark.parametrize("kept", [1, 2, 3, 4, 6, 7, 8, 12, 13, 14, 15])
def test_a_copied_state_resumes_with_the_same_remaining_events(
    digits: Dataset, uninterrupted: list[dict[str, Any]], kept: int
) -> None:
    state = TrainState.initial(CONFIG)
    events = train(CONFIG, digits, state=state)
    for _ in range(kept):
        next(events)
    resumed = copy.deepcopy(state)
    for _event in events:  # what the first run goes on to do must not reach the copy
        pass
    assert [timeless(event) for event in train(CONFIG, digits, state=resumed)] == uninterrupted[kept:]


def test_two_interleaved_runs_do_not_disturb_each_other(digits: Dataset, uninterrupted: list[dict[str, Any]]) -> None:
    pairs = zip(train(CONFIG, digits), train(dataclasses.replace(CONFIG, seed=9), digits), strict=True)
    assert [timeless(event) for event, _ in pairs] == uninterrupted


def test_the_consumers_time_is_left_out_of_elapsed_seconds(digits: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0

    def clock() -> float:
        nonlocal now
        now += 0.125  # each look at the clock is an eighth of a second after the last
        return now

    monkeypatch.setattr(time, "perf_counter", clock)
    elapsed = []
    for event in train(dataclasses.replace(CONFIG, epochs=1), digits):
        now += 500  # a pause
        elapsed.append(event.elapsed_seconds)
        if isinstance(event, StepMetrics):
            assert event.examples_per_second == sum(map(sum, event.confusion)) / 0.125
    assert elapsed == [0.125 * number for number in range(1, 5 + 2 + 1 + 1)]


def test_elapsed_seconds_go_on_after_resuming(digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    next(train(CONFIG, digits, state=state))
    before = state.elapsed_seconds
    assert 0 < before < next(train(CONFIG, digits, state=state)).elapsed_seconds


def test_an_evaluation_that_is_asked_for_comes_next_and_changes_nothing_else(
    digits: Dataset, uninterrupted: list[dict[str, Any]]
) -> None:
    events = train(CONFIG, digits)
    next(events)
    asked = events.send(Adjustment(evaluate=True))
    assert isinstance(asked, EvalMetrics)
    assert (asked.step, asked.split) == (1, "validation")
    assert [timeless(event) for event in events] == uninterrupted[1:]


def test_without_validation_test_is_evaluated_when_asked(digits: Dataset) -> None:
    config = dataclasses.replace(CONFIG, validation_fraction=0)
    expected = [timeless(event) for event in train(config, digits)]
    events = train(config, digits)
    next(events)
    asked = events.send(Adjustment(evaluate=True))
    assert isinstance(asked, EvalMetrics)
    assert asked.split == "test"
    assert [timeless(event) for event in events] == expected[1:]
