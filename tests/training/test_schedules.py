"""Learning rate schedules."""

import pytest
import torch

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Adjustment, StepMetrics
from mnist_core.training.engine import train
from mnist_core.training.schedules import lr_factor

STEPS = 200


def test_a_constant_rate_stays() -> None:
    assert {lr_factor("constant", epochs_done / 10, 3, 0.7) for epochs_done in range(30)} == {1.0}


def test_step_multiplies_by_gamma_after_each_epoch() -> None:
    assert [lr_factor("step", done, 14, 0.7) for done in (0, 0.99, 1.0, 1.5, 3.2)] == [
        1,
        1,
        0.7,
        0.7,
        pytest.approx(0.7**3),
    ]


def test_one_cycle_agrees_with_pytorch() -> None:
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    # PyTorch's schedule ends at the last step, ours one step later.
    drawn = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=1.0, total_steps=STEPS + 1, cycle_momentum=False)
    for step in range(STEPS):
        # PyTorch's peak is at 0.3 * total - 1 steps
        assert lr_factor("one-cycle", step / STEPS, 1, 0.7) == pytest.approx(drawn.get_last_lr()[0], abs=0.02)
        optimizer.step()
        drawn.step()


def test_one_cycle_rises_to_the_rate_and_falls_to_almost_nothing() -> None:
    curve = [lr_factor("one-cycle", 3 * step / STEPS, 3, 0.7) for step in range(STEPS + 1)]
    assert curve[0] == pytest.approx(1 / 25)
    assert max(curve) == pytest.approx(1)
    assert curve.index(max(curve)) == round(0.3 * STEPS)
    assert curve[-1] == pytest.approx(1 / 250_000)
    assert curve[:60] == sorted(curve[:60])
    assert curve[61:] == sorted(curve[61:], reverse=True)


def test_a_rate_moved_by_hand_scales_the_rest_of_the_schedule(digits: Dataset) -> None:
    config = TrainConfig(batch_size=60, epochs=2, lr=0.02, schedule="one-cycle", validation_fraction=0, device="cpu")
    planned = [event.lr for event in train(config, digits) if isinstance(event, StepMetrics)]
    events = train(config, digits)
    moved = [next(events), events.send(Adjustment(lr=0.04)), *events]
    rates = [event.lr for event in moved if isinstance(event, StepMetrics)]
    assert rates == pytest.approx([planned[0], *(2 * rate for rate in planned[1:])])
