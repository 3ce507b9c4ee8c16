"""The parameter counts that pages show agree with the networks."""

import pytest
import torch

from mnist_core.config import MODELS
from mnist_core.training import models
from mnist_core.training.parameter_counts import PARAMETER_COUNTS


def test_every_network_has_a_size() -> None:
    assert set(PARAMETER_COUNTS) == set(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_the_size_counts_the_parameters_that_are_trained(name: str) -> None:
    model = models.build_model(name, torch.Generator())
    assert PARAMETER_COUNTS[name] == sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
