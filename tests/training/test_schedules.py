"""Learning rate schedules, and that they agree with PyTorch's."""

from collections.abc import Callable

import pytest
import torch
from torch.optim.lr_scheduler import LRScheduler, OneCycleLR, StepLR

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Adjustment, StepMetrics
from mnist_core.training.engine import train
from mnist_core.training.schedules import lr_factor

STEPS = 200
TOLERANCE = 1e-13
"""A schedule is a few operations on numbers up to 1 in float64, each of which rounds by about 1e-16."""


def pytorch_factors(schedule: Callable[[torch.optim.Optimizer], LRScheduler], steps: int) -> list[float]:
    """Return the learning rates of each update under one of PyTorch's schedules, with a base learning rate of 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = schedule(optimizer)
    factors = []
    for step in range(steps):
        factors.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < steps - 1:
            scheduler.step()
    return factors


def factors(schedule: str, steps_per_epoch: int, epochs: int, gamma: float = 0.7) -> list[float]:
    return [
        lr_factor(schedule, step, steps_per_epoch=steps_per_epoch, epochs=epochs, gamma=gamma)
        for step in range(epochs * steps_per_epoch)
    ]


def test_a_constant_rate_stays() -> None:
    assert set(factors("constant", 10, 3)) == {1.0}


@pytest.mark.parametrize("gamma", [0.01, 0.7, 1.0])
def test_step_agrees_with_pytorch(gamma: float) -> None:
    expected = pytorch_factors(lambda optimizer: StepLR(optimizer, step_size=7, gamma=gamma), 50 * 7)
    assert factors("step", 7, 50, gamma) == pytest.approx(expected, rel=0, abs=TOLERANCE)


@pytest.mark.parametrize("steps", [*range(1, 41), 99, 100, 844, 2814])
def test_one_cycle_agrees_with_pytorch(steps: int) -> None:
    expected = pytorch_factors(
        lambda optimizer: OneCycleLR(optimizer, max_lr=1.0, total_steps=steps, cycle_momentum=False), steps
    )
    assert factors("one-cycle", steps, 1) == pytest.approx(expected, rel=0, abs=TOLERANCE)


def test_one_cycle_rises_to_the_rate_and_falls_to_almost_nothing() -> None:
    curve = factors("one-cycle", STEPS // 4, 4)
    assert curve[0] == pytest.approx(1 / 25)
    assert curve.index(max(curve)) == 0.3 * STEPS - 1
    assert max(curve) == pytest.approx(1)
    assert curve[-1] == pytest.approx(1 / 250_000)
    assert curve[:60] == sorted(curve[:60])
    assert curve[60:] == sorted(curve[60:], reverse=True)


def test_one_cycle_stays_at_its_end_beyond_the_last_update() -> None:
    for step in (STEPS - 1, STEPS, STEPS + 7.5):
        assert lr_factor("one-cycle", step, steps_per_epoch=STEPS, epochs=1, gamma=1) == pytest.approx(1 / 250_000)


@pytest.mark.parametrize("epochs", [1, 2])
@pytest.mark.parametrize("batch_size", [60, 70, 299])
def test_a_run_takes_the_rates_of_pytorch(digits: Dataset, batch_size: int, epochs: int) -> None:
    """Also if the last batch of each epoch is smaller than the others."""
    config = TrainConfig(
        model="softmax",
        batch_size=batch_size,
        epochs=epochs,
        lr=0.05,
        schedule="one-cycle",
        validation_fraction=0,
        device="cpu",
    )
    total_steps = config.total_steps(len(digits.train))
    expected = pytorch_factors(
        lambda optimizer: OneCycleLR(optimizer, max_lr=0.05, total_steps=total_steps), total_steps
    )
    rates = [event.lr for event in train(config, digits) if isinstance(event, StepMetrics)]
    assert rates == pytest.approx(expected, rel=0, abs=TOLERANCE)


def test_a_changed_batch_size_does_not_make_the_rate_jump(digits: Dataset) -> None:
    config = TrainConfig(
        model="softmax", batch_size=2, epochs=2, schedule="one-cycle", validation_fraction=0, device="cpu"
    )
    planned = [event.lr for event in train(config, digits) if isinstance(event, StepMetrics)]
    events = train(config, digits)
    first = [next(events) for _ in range(75)]
    changed = [*first, events.send(Adjustment(batch_size=4)), *events]
    rates = [event.lr for event in changed if isinstance(event, StepMetrics)]
    assert len(rates) == 75 + 38 + 75  # 150 images in batches of 4, then an epoch of 75 batches
    assert rates[:75] == planned[:75]
    expected = [*planned[:75], *planned[75:150:2], *planned[150::2]]
    assert rates == pytest.approx(expected, abs=0.01 * config.lr)
    assert rates[-1] < 1e-3 * config.lr


def test_a_rate_moved_by_hand_scales_the_rest_of_the_schedule(digits: Dataset) -> None:
    config = TrainConfig(batch_size=60, epochs=2, lr=0.02, schedule="one-cycle", validation_fraction=0, device="cpu")
    planned = [event.lr for event in train(config, digits) if isinstance(event, StepMetrics)]
    events = train(config, digits)
    moved = [next(events), events.send(Adjustment(lr=0.04)), *events]
    rates = [event.lr for event in moved if isinstance(event, StepMetrics)]
    assert rates == pytest.approx([planned[0], *(2 * rate for rate in planned[1:])])
