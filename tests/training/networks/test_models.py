"""The networks, and their sizes, which pages show."""

import pytest
import torch

from mnist_core.config import MODELS
from mnist_core.training.networks import models
from mnist_core.training.networks.models import Net
from mnist_core.training.networks.parameter_counts import PARAMETER_COUNTS


def test_every_network_has_a_size() -> None:
    assert set(PARAMETER_COUNTS) == set(MODELS)


def test_the_classic_network_has_the_classic_weights() -> None:
    shapes = {name: tuple(weight.shape) for name, weight in Net().state_dict().items()}
    assert shapes == {
        "conv1.weight": (20, 1, 5, 5),
        "conv1.bias": (20,),
        "conv2.weight": (50, 20, 5, 5),
        "conv2.bias": (50,),
        "fc1.weight": (500, 800),
        "fc1.bias": (500,),
        "fc2.weight": (10, 500),
        "fc2.bias": (10,),
    }


@pytest.mark.parametrize("name", MODELS)
def test_every_network_answers_with_log_probabilities(name: str) -> None:
    model = models.build_model(name, torch.Generator())
    images = torch.randn(7, 1, 28, 28, generator=torch.Generator().manual_seed(1))
    log_probabilities = model(images)
    assert log_probabilities.shape == (7, 10)
    torch.testing.assert_close(log_probabilities.exp().sum(1), torch.ones(7))
    assert sum(weight.numel() for weight in model.parameters() if weight.requires_grad) == PARAMETER_COUNTS[name]
