"""The engine takes the same steps as the classic script."""

import copy
import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import StepMetrics
from mnist_core.system.machine import has_bf16
from mnist_core.training.batches import Images, sample_order
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState

CPU = torch.device("cpu")
CONFIG = TrainConfig(batch_size=30, epochs=5, validation_fraction=0, device="cpu", momentum=0.9)
STEPS_AN_EPOCH = 10


class ClassicNet(nn.Module):
    """The network as in the classic script: ReLU, then max-pooling."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5, 1)
        self.conv2 = nn.Conv2d(20, 50, 5, 1)
        self.fc1 = nn.Linear(4 * 4 * 50, 500)
        self.fc2 = nn.Linear(500, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2, 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2, 2)
        x = F.relu(self.fc1(x.view(-1, 4 * 4 * 50)))
        return F.log_softmax(self.fc2(x), dim=1)


def classic_steps(digits: Dataset, steps: int) -> tuple[list[float], nn.Module]:
    """Return losses and network of the classic loop, in the default dtype, over the engine's order of images."""
    torch.manual_seed(CONFIG.seed)
    model = ClassicNet()
    optimizer = torch.optim.SGD(model.parameters(), lr=CONFIG.lr, momentum=CONFIG.momentum)
    images = Images.on_device(digits.train, CPU)
    losses = []
    for step in range(steps):
        epoch, number = divmod(step, STEPS_AN_EPOCH)
        batch = sample_order(CONFIG.seed, epoch + 1, 300)[number * 30 : (number + 1) * 30]
        pixels, labels = images[batch]
        optimizer.zero_grad()
        loss = F.nll_loss(model(pixels), labels)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(loss.item())
    return losses, model


def engine_steps(digits: Dataset, steps: int, config: TrainConfig = CONFIG) -> tuple[list[float], nn.Module]:
    state = TrainState.initial(config)
    losses: list[float] = []
    for event in train(config, digits, state=state):
        losses += [event.loss] if isinstance(event, StepMetrics) else []
        if len(losses) == steps:
            break
    return losses, state.model


@pytest.fixture
def in_float64() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def largest_difference(left: nn.Module, right: nn.Module) -> float:
    weights = right.state_dict()
    return max(float((weight - weights[name]).abs().max()) for name, weight in left.state_dict().items())


@pytest.mark.fault
@pytest.mark.usefixtures("in_float64")
def test_50_steps_in_float64_agree_to_1e_12(digits: Dataset) -> None:
    expected, classic = classic_steps(digits, 50)
    losses, model = engine_steps(digits, 50)
    assert losses == pytest.approx(expected, abs=1e-12, rel=0)
    assert next(model.parameters()).dtype is torch.float64
    assert largest_difference(model, classic) < 1e-12


def test_10_steps_in_fp32_agree_to_1e_6(digits: Dataset) -> None:
    expected, classic = classic_steps(digits, 10)
    losses, model = engine_steps(digits, 10)
    assert losses == pytest.approx(expected, abs=1e-6, rel=0)
    assert largest_difference(model, classic) < 1e-6


@pytest.mark.skipif(not has_bf16(), reason="the processor has no bfloat16 arithmetic, and the engine refuses it")
def test_bf16_stays_within_three_hundredths_over_10_steps(digits: Dataset) -> None:
    """bfloat16 keeps 8 significant bits, so that rounding errors are at most 1/256; losses begin at ln 10."""
    expected, _ = classic_steps(digits, 10)
    losses, _ = engine_steps(digits, 10, TrainConfig(**{**vars(CONFIG), "precision": "bf16"}))
    assert losses != expected
    assert losses == pytest.approx(expected, abs=0.03, rel=0)
    assert losses[0] == pytest.approx(math.log(10), abs=0.1)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("model", ["classic", "example"])
def test_the_same_seed_gives_the_same_weights_to_the_last_bit(digits: Dataset, model: str, precision: str) -> None:
    if precision == "bf16" and not has_bf16():
        pytest.skip("the processor has no bfloat16 arithmetic, and the engine refuses it")
    config = TrainConfig(**{**vars(CONFIG), "model": model, "precision": precision})
    losses, first = engine_steps(digits, 4, config)
    first = copy.deepcopy(first)
    again, second = engine_steps(digits, 4, config)
    assert again == losses
    assert largest_difference(first, second) == 0
