"""The networks. Each maps float images (N, 1, 28, 28) to log-probabilities (N, 10) of the same dtype.

Pooling comes before ReLU. Both are monotonic, so the result is the same, but ReLU handles a quarter of the values.
ReLU works in place, since its input is not needed again.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.network_names import OwnNetwork
from mnist_core.training.networks.layers import BatchNorm, Dropout, Linear
from mnist_core.training.networks.own import code as own_code


class Net(nn.Module):
    """The classic LeNet-like network of the PyTorch MNIST script."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.fc1 = Linear(4 * 4 * 50, 500)
        self.fc2 = Linear(500, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(F.max_pool2d(self.conv1(images), 2), inplace=True)
        x = F.relu(F.max_pool2d(self.conv2(x), 2), inplace=True)
        x = F.relu(self.fc1(torch.flatten(x, 1)), inplace=True)
        return _log_probabilities(self.fc2(x), images.dtype)


class ExampleNet(nn.Module):
    """The network of the current PyTorch MNIST example, with dropout.

    https://github.com/pytorch/examples/blob/main/mnist/main.py
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        super().__init__()
        generator = generator or torch.Generator()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = Dropout(0.25, generator)
        self.fc1 = Linear(12 * 12 * 64, 128)
        self.dropout2 = Dropout(0.5, generator)
        self.fc2 = Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.conv1(images), inplace=True)
        x = F.relu(F.max_pool2d(self.conv2(x), 2), inplace=True)
        x = torch.flatten(self.dropout1(x), 1)
        x = self.dropout2(F.relu(self.fc1(x)))
        return _log_probabilities(self.fc2(x), images.dtype)


class Compact(nn.Module):
    """Two narrow convolutions with batch normalisation (Ioffe and Szegedy 2015), made to learn fast on a processor.

    16 and 48 channels fill vectors of 16 numbers. A window of 9 in the first convolution, which has one input channel,
    and of 3 in the second see as much of the image as two windows of 5, with fewer multiplications and smaller maps.
    Pooling before normalisation leaves it a quarter of the values, and convolutions need no bias where normalisation
    subtracts the mean.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 16, 9, bias=False)
        self.norm1 = BatchNorm(16)
        self.conv2 = nn.Conv2d(16, 48, 3, bias=False)
        self.norm2 = BatchNorm(48)
        self.fc1 = Linear(4 * 4 * 48, 64)
        self.fc2 = Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.norm1(F.max_pool2d(self.conv1(images), 2)), inplace=True)
        x = F.relu(self.norm2(F.max_pool2d(self.conv2(x), 2)), inplace=True)
        x = F.relu(self.fc1(torch.flatten(x, 1)), inplace=True)
        return _log_probabilities(self.fc2(x), images.dtype)


class MLP(nn.Module):
    """Two hidden layers, 300 and 100 wide, as in LeCun et al. 1998, but with ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = Linear(28 * 28, 300)
        self.fc2 = Linear(300, 100)
        self.fc3 = Linear(100, 10)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.fc1(torch.flatten(images, 1)))
        x = F.relu(self.fc2(x))
        return _log_probabilities(self.fc3(x), images.dtype)


class Softmax(nn.Module):
    """Softmax regression: one linear layer."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = Linear(28 * 28, 10)

    def forward(self, images: Tensor) -> Tensor:
        return _log_probabilities(self.fc(torch.flatten(images, 1)), images.dtype)


def _log_probabilities(logits: Tensor, dtype: torch.dtype) -> Tensor:
    """Return the log-softmax of `logits` (N, 10), computed in `dtype`.

    The layers may compute in bf16, which keeps 8 significant bits. Losses in bf16 were up to 1 % off, and gradients
    were scaled by the rounding of 1 / batch size, by 1.001 at batch size 100.
    """
    return F.log_softmax(logits, dim=1, dtype=dtype)


def build_model(name: str, generator: torch.Generator) -> nn.Module:
    """Build the network that a value of the setting `model` names.

    Weights come from torch's global generator. So do the random numbers of a network of the user's own, which must have
    been provided (see `own.code`); those of the built-in ones come from `generator`. Raises `ConfigError` for a network
    of the user's own that is not at hand or cannot be built.
    """
    if network := OwnNetwork.parse(name):
        return own_code.build(network)
    match name:
        case "classic":
            return Net()
        case "example":
            return ExampleNet(generator)
        case "compact":
            return Compact()
        case "mlp":
            return MLP()
        case "softmax":
            return Softmax()
    raise AssertionError(f"no network is called {name}")
