"""The norms of each layer: what is measured, and at which steps."""

import itertools
import math

import pytest
import torch
from torch import nn

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import EvalMetrics
from mnist_core.training.engine import train
from mnist_core.training.layer_norms import MAX_LAYERS, RATIO, LayerNormMeter, is_due
from mnist_core.training.train_state import TrainState


@pytest.mark.parametrize("model", ["mlp", "compact"])
def test_norms_are_those_of_a_plain_loop(few_digits: Dataset, model: str) -> None:
    config = TrainConfig(model=model, batch_size=20, epochs=1, device="cpu", lr=0.1)
    state = TrainState.initial(config)
    meter = LayerNormMeter(state.model)
    for event in train(config, few_digits, state=state):
        measured = meter.measure(event.step)
        assert measured is not None
        squares: dict[str, list[float]] = {}
        for name, parameter in state.model.named_parameters():
            assert parameter.grad is not None
            sums = squares.setdefault(name.split(".")[0], [0.0, 0.0])
            for place, tensor in enumerate((parameter, parameter.grad)):
                sums[place] += sum(value**2 for value in tensor.double().flatten().tolist())
        assert measured.layers == tuple(squares)
        for place, norms in enumerate((measured.weights, measured.gradients)):
            assert norms == pytest.approx([math.sqrt(sums[place]) for sums in squares.values()], rel=1e-4)
    assert set(meter.layers) >= {"fc1", "fc2"}


def test_steps_are_measured_evenly_in_log_steps() -> None:
    due = [step for step in range(1, 10_001) if is_due(step)]
    assert due[:10] == list(range(1, 11))
    assert all(later - earlier <= math.ceil(earlier * (RATIO - 1)) + 1 for earlier, later in itertools.pairwise(due))
    assert [sum(step <= end for step in due) for end in (844, 2532)] == [56, 68]
    assert math.log(3_000_000, RATIO) < 157


def test_an_evaluation_is_measured_unless_its_step_was(few_digits: Dataset) -> None:
    config = TrainConfig(model="softmax", batch_size=5, epochs=2, device="cpu")  # 18 steps an epoch
    state = TrainState.initial(config)
    meter = LayerNormMeter(state.model)
    measured, evaluated = [], set()
    for event in train(config, few_digits, state=state):
        evaluated |= {event.step} if isinstance(event, EvalMetrics) else set()
        if norms := meter.norms_at(event):
            measured.append(norms.step)
    due = {step for step in range(1, 37) if is_due(step)}
    assert measured == sorted(due | evaluated)
    assert evaluated - due


def test_norms_that_are_not_finite_are_kept_as_such() -> None:
    layer = nn.Linear(2, 2)
    layer.weight.grad, layer.bias.grad = torch.full((2, 2), torch.inf), torch.zeros(2)
    measured = LayerNormMeter(nn.Sequential(layer)).measure(3)
    assert measured is not None
    assert (measured.step, measured.layers, measured.gradients) == (3, ("0",), (math.inf,))


def test_without_gradients_nothing_is_measured() -> None:
    assert LayerNormMeter(nn.Linear(2, 2)).measure(1) is None


def test_parameters_of_the_network_itself_and_deep_parts_have_names() -> None:
    class Deep(nn.Module):
        def __init__(self, depth: int) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1))
            self.frozen = nn.Parameter(torch.ones(1), requires_grad=False)
            self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)) for _ in range(depth))

    assert LayerNormMeter(Deep(1)).layers == ("scale", "blocks.0.0", "blocks.0.1")
    assert LayerNormMeter(Deep(40)).layers == ("scale", *(f"blocks.{number}" for number in range(40)))
    assert LayerNormMeter(Deep(100)).layers == ("scale", "blocks")
    assert len(LayerNormMeter(Deep(40)).layers) <= MAX_LAYERS
