"""The last steps of epochs."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mnist_core.config import LAST_BATCHES, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Adjustment, Intervention, StepMetrics
from mnist_core.store import RunStore
from mnist_core.training.engine import train
from mnist_core.training.epoch_ends import epoch_ends, position_in_epoch
from tests.support.factories import finished_run


def batch_size(step: int, old: int, new: int) -> Intervention:
    return Intervention(step, "batch_size", old, new, datetime.now(UTC), "page")


@pytest.mark.parametrize(("images", "ends"), [(64, [1, 2, 3]), (65, [2, 4, 6]), (60_000, [938, 1876, 2814])])
def test_the_last_batch_of_an_epoch_may_be_smaller(images: int, ends: list[int]) -> None:
    assert epoch_ends(TrainConfig(batch_size=64, epochs=3, last_batch="keep"), images) == ends


def test_changes_of_other_settings_do_not_move_epochs() -> None:
    change = Intervention(1, "lr", 0.01, 0.1, datetime.now(UTC), "page")
    assert epoch_ends(TrainConfig(epochs=2), 640, [change]) == [10, 20]


@pytest.mark.parametrize("last_batch", LAST_BATCHES)
@pytest.mark.parametrize("changes", [[(1, 60)], [(2, 16), (7, 100)], [(5, 7)], [(1, 16), (1, 32)], [(9, 200), (10, 8)]])
def test_a_changed_batch_size_moves_epochs_as_in_training(
    store: RunStore, digits: Dataset, changes: list[tuple[int, int]], last_batch: str
) -> None:
    config = TrainConfig(batch_size=30, epochs=3, model="softmax", last_batch=last_batch, device="cpu")
    at = dict(changes)
    last: dict[int, int] = {}
    positions: dict[tuple[int, int], tuple[int, int]] = {}
    events = train(config, digits)
    event = events.send(None)
    while True:
        if isinstance(event, StepMetrics):
            batches, images = positions.get((event.epoch, event.step - 1), (0, 0))
            positions[event.epoch, event.step] = (batches + 1, images + sum(map(sum, event.confusion)))
            last[event.epoch] = event.step
        size = at.pop(event.step, None)
        try:
            event = events.send(Adjustment(batch_size=size) if size else None)
        except StopIteration:
            break
    olds = [30, *(new for _, new in changes)]
    interventions = [batch_size(step, old, new) for (step, new), old in zip(changes, olds, strict=False)]
    assert epoch_ends(config, 270, interventions) == list(last.values())
    run = replace(finished_run(store, config, train_images=270), interventions=tuple(interventions))
    assert {place: position_in_epoch(run, *place) for place in positions} == positions


def test_a_batch_size_changed_before_the_first_step_applies_from_the_first_epoch() -> None:
    assert epoch_ends(TrainConfig(batch_size=30, epochs=3), 300, [batch_size(0, 30, 300)]) == [1, 2, 3]
