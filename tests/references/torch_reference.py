"""The networks and the preprocessing of images from PyTorch's own parts, without any code of `mnist_core.training`."""

import torch
from torch import Tensor, nn
from torchvision import transforms

from mnist_core.data.splits import Split

NORMALIZE = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
"""The preprocessing of the PyTorch MNIST example."""


def to_tensors(split: Split) -> tuple[Tensor, Tensor]:
    """Return normalised pixels (N, 1, 28, 28), of the default dtype, and labels (N,)."""
    return torch.stack([NORMALIZE(image) for image in split.images]), torch.as_tensor(split.labels).long()


def build_network(name: str) -> nn.Sequential:
    """Build one of `config.MODELS` with PyTorch's initial weights: ReLU before pooling, and log-softmax at the end.

    Convolutions are channels-last, as in the engine: that decides in which order dropout draws its mask.
    """
    network = nn.Sequential(*_layers(name), nn.LogSoftmax(dim=1))
    for layer in network:
        if isinstance(layer, nn.Conv2d):
            layer.weight.data = layer.weight.data.contiguous(memory_format=torch.channels_last)
    return network


def _layers(name: str) -> list[nn.Module]:
    match name:
        case "softmax":
            return [nn.Flatten(), nn.Linear(784, 10)]
        case "mlp":
            hidden = [nn.Linear(784, 300), nn.ReLU(), nn.Linear(300, 100), nn.ReLU()]
            return [nn.Flatten(), *hidden, nn.Linear(100, 10)]
        case "classic":
            first = [nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2)]
            second = [nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2)]
            return [*first, *second, nn.Flatten(), nn.Linear(800, 500), nn.ReLU(), nn.Linear(500, 10)]
        case "compact":
            first = [nn.Conv2d(1, 16, 9, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(16), nn.ReLU()]
            second = [nn.Conv2d(16, 48, 3, bias=False), nn.MaxPool2d(2), nn.BatchNorm2d(48), nn.ReLU()]
            return [*first, *second, nn.Flatten(), nn.Linear(768, 64), nn.ReLU(), nn.Linear(64, 10)]
        case "example":
            convolutions = [nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU()]
            pooling = [nn.MaxPool2d(2), nn.Dropout(0.25), nn.Flatten()]
            dense = [nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10)]
            return [*convolutions, *pooling, *dense]
    raise AssertionError(f"no network is called {name}")
