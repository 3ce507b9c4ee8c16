"""Networks and layers against those of `torch.nn`: the same weights and images give the same results and gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.config import MODELS, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.training.batches import Images
from mnist_core.training.networks.layers import Dropout, Linear
from mnist_core.training.train_state import TrainState
from tests.references.torch_reference import build_network, to_tensors

CPU = torch.device("cpu")


def gradients(network: nn.Module, images: Tensor, labels: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(F.nll_loss(network(images), labels), list(network.parameters()))


def test_images_are_normalized_as_torchvision_does(few_digits: Dataset) -> None:
    """Both divide by 255, subtract 0.1307 and divide by 0.3081 in float32, so that every bit is the same."""
    ours = Images.on_device(few_digits.train, CPU)[torch.arange(100)]
    for mine, theirs in zip(ours, to_tensors(few_digits.train), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("name", MODELS)
def test_a_seed_gives_the_initial_weights_of_torch(name: str) -> None:
    """PyTorch draws the weights of the same layers in the same order, so that every bit is the same."""
    torch.manual_seed(7)
    expected = build_network(name)
    network = TrainState.initial(TrainConfig(model=name, seed=7, device="cpu")).model
    for mine, theirs in zip(network.parameters(), expected.parameters(), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.usefixtures("in_float64")
@pytest.mark.parametrize("name", MODELS)
def test_a_network_computes_the_outputs_and_gradients_of_torch(name: str, few_digits: Dataset) -> None:
    """Within 1e-12: at most 9,216 products are added up, each with a rounding error of 1e-16 of its size."""
    network = TrainState.initial(TrainConfig(model=name, seed=7, device="cpu")).model.eval()
    expected = build_network(name).eval()
    for mine, theirs in zip(network.parameters(), expected.parameters(), strict=True):
        theirs.data.copy_(mine)
    images, labels = (tensor[:6] for tensor in to_tensors(few_digits.test))
    torch.testing.assert_close(network(images), expected(images), rtol=0, atol=1e-12)
    ours, reference = (gradients(side, images, labels) for side in (network, expected))
    torch.testing.assert_close(ours, reference, rtol=0, atol=1e-12)


def test_linear_is_as_accurate_as_that_of_torch() -> None:
    """In float32 oneDNN adds the products in another order than MKL, so neither is exact.

    Measured against float64, our error is at most twice that of `nn.Linear` (800 products with errors of 6e-8 each).
    """
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(64, 800, generator=generator)
    torch.manual_seed(1)
    theirs, ours = nn.Linear(800, 500), Linear(800, 500)
    ours.load_state_dict(theirs.state_dict())
    exact = F.linear(images.double(), theirs.weight.double(), theirs.bias.double())
    error, allowed = ((layer(images) - exact).abs().max().item() for layer in (ours, theirs))
    assert error <= 2 * allowed < 1e-5


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_dropout_draws_the_masks_of_torch(rate: float) -> None:
    """From generators in the same state both draw the same mask and scale by the same factor: every bit is the same."""
    values = torch.randn(50, 40, generator=torch.Generator().manual_seed(1), requires_grad=True)
    torch.manual_seed(3)
    expected = nn.Dropout(rate)(values)
    dropped = Dropout(rate, torch.Generator().manual_seed(3))(values)
    assert torch.equal(dropped, expected)
    assert torch.equal(*(torch.autograd.grad(output.sum(), values)[0] for output in (dropped, expected)))
