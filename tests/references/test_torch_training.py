"""Training against a plain loop over `torch.nn`, `torch.optim` and `torch.optim.lr_scheduler`, 200 steps in float64.

Every operation rounds at 1e-16 of its result, and the sides add in different orders. 200 steps let that grow to 1e-12
at most; `TOLERANCE` leaves a factor of 100. A wrong constant in an update rule, such as another epsilon, shows at 1e-6.
"""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR, StepLR

from mnist_core.config import OPTIMIZERS, SCHEDULES, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import Split
from mnist_core.presets import PRESETS
from mnist_core.records import StepMetrics
from mnist_core.training.batches import sample_order, step_seed
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState
from tests.references.torch_reference import build_network, to_tensors

TOLERANCE = 1e-10
STEPS_PER_EPOCH, EPOCHS = 4, 50
TINY: dict[str, Any] = {"batch_size": 5, "epochs": EPOCHS, "validation_fraction": 0.0, "device": "cpu"}
"""200 steps over 18 images: the last batch of an epoch has three."""

ReferenceOptimizer = Callable[[nn.Module, TrainConfig], optim.Optimizer]
REFERENCE_OPTIMIZERS: dict[str, ReferenceOptimizer] = {
    "sgd": lambda network, config: optim.SGD(
        network.parameters(), config.lr, momentum=config.momentum, weight_decay=config.weight_decay
    ),
    "nesterov": lambda network, config: optim.SGD(
        network.parameters(), config.lr, momentum=config.momentum, weight_decay=config.weight_decay, nesterov=True
    ),
    "adam": lambda network, config: optim.Adam(network.parameters(), config.lr, weight_decay=config.weight_decay),
    "adadelta": lambda network, config: optim.Adadelta(
        network.parameters(), config.lr, weight_decay=config.weight_decay
    ),
}
ReferenceSchedule = Callable[[optim.Optimizer, TrainConfig], LRScheduler]
REFERENCE_SCHEDULES: dict[str, ReferenceSchedule] = {
    "constant": lambda optimizer, config: LambdaLR(optimizer, lambda step: 1.0),
    "step": lambda optimizer, config: StepLR(optimizer, step_size=STEPS_PER_EPOCH, gamma=config.gamma),
    "one-cycle": lambda optimizer, config: OneCycleLR(
        optimizer, config.lr, total_steps=STEPS_PER_EPOCH * config.epochs, cycle_momentum=False
    ),
}


@pytest.fixture
def data(digits: Dataset) -> Dataset:
    train_split, test_split = digits.train, digits.test
    return Dataset(
        "MNIST",
        Split(train_split.images[:18], train_split.labels[:18]),
        Split(test_split.images[:1], test_split.labels[:1]),
    )


def train_with_torch(config: TrainConfig, data: Dataset) -> tuple[list[float], nn.Module]:
    """Return losses and network of the loop of the PyTorch MNIST example, over the engine's order of images."""
    torch.manual_seed(config.seed)
    network = build_network(config.model)
    optimizer = REFERENCE_OPTIMIZERS[config.optimizer](network, config)
    schedule = REFERENCE_SCHEDULES[config.schedule](optimizer, config)
    images, labels = to_tensors(data.train)
    losses: list[float] = []
    for epoch in range(1, config.epochs + 1):
        for batch in torch.split(sample_order(config.seed, epoch, len(labels)), config.batch_size):
            torch.manual_seed(step_seed(config.seed, len(losses)))  # from which the engine draws dropout
            optimizer.zero_grad()
            log_probabilities = network(images[batch])
            loss = objective = F.nll_loss(log_probabilities, labels[batch])
            if config.label_smoothing:
                objective = F.cross_entropy(log_probabilities, labels[batch], label_smoothing=config.label_smoothing)
            torch.autograd.backward(objective)
            optimizer.step()
            losses.append(loss.item())
            if len(losses) < STEPS_PER_EPOCH * config.epochs:
                schedule.step()
    return losses, network


def assert_trained_as_with_torch(config: TrainConfig, data: Dataset) -> None:
    expected, reference = train_with_torch(config, data)
    state = TrainState.initial(config)
    losses = [event.loss for event in train(config, data, state=state) if isinstance(event, StepMetrics)]
    assert len(losses) == STEPS_PER_EPOCH * config.epochs
    assert losses == pytest.approx(expected, rel=0, abs=TOLERANCE)
    assert losses[-1] < losses[0]
    for mine, theirs in zip(state.model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=TOLERANCE)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_trains_as_that_of_torch(optimizer: str, data: Dataset) -> None:
    config = TrainConfig(model="softmax", optimizer=optimizer, lr=0.05, momentum=0.9, weight_decay=0.01, **TINY)
    assert_trained_as_with_torch(config, data)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("schedule", sorted(SCHEDULES.keys() - {"constant"}))
def test_every_schedule_trains_as_that_of_torch(schedule: str, data: Dataset) -> None:
    """With SGD without momentum, which keeps no velocities; the tests of optimizers have a constant rate."""
    config = TrainConfig(model="softmax", lr=0.1, momentum=0.0, schedule=schedule, gamma=0.95, **TINY)
    assert_trained_as_with_torch(config, data)


@pytest.mark.fault
@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_two_hidden_layers_train_as_those_of_torch(optimizer: str, data: Dataset) -> None:
    """Without weight decay: Adam with it makes whole steps of rounding errors, where ReLU leaves no other gradient."""
    config = TrainConfig(model="mlp", optimizer=optimizer, lr=0.01, momentum=0.9, **TINY)
    assert_trained_as_with_torch(config, data)


@pytest.mark.fault
@pytest.mark.usefixtures("in_float64")
def test_the_classic_network_trains_as_with_torch(data: Dataset) -> None:
    assert_trained_as_with_torch(TrainConfig(**TINY), data)


@pytest.mark.usefixtures("in_float64")
def test_smoothed_labels_train_as_with_torch(data: Dataset) -> None:
    """The recorded losses are those of the true labels."""
    assert_trained_as_with_torch(TrainConfig(model="softmax", label_smoothing=0.2, **TINY), data)


@pytest.mark.fault
@pytest.mark.usefixtures("in_float64")
def test_the_compact_network_trains_as_with_torch(data: Dataset) -> None:
    settings = PRESETS["Fast 99"] | TINY | {"lr": 0.01, "precision": "fp32"}
    assert_trained_as_with_torch(TrainConfig(**settings), data)


@pytest.mark.fault
@pytest.mark.usefixtures("in_float64")
def test_the_pytorch_example_trains_as_with_torch(data: Dataset) -> None:
    """Dropout included. 20 steps only: in float64, each takes a tenth of a second on its 1.2 million weights."""
    settings = PRESETS["PyTorch example"] | TINY | {"epochs": 5}
    assert_trained_as_with_torch(TrainConfig(**settings), data)
