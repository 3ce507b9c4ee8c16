"""Our layers agree with PyTorch's."""

import pytest
import torch
from torch import nn

from mnist_core.training.networks.layers import BatchNorm, Dropout, Linear


@pytest.mark.parametrize("shape", [(1, 7, 3), (64, 800, 500), (5, 500, 10)])
def test_linear_agrees_with_pytorch(shape: tuple[int, int, int]) -> None:
    images, features, outputs = shape
    torch.manual_seed(1)
    ours, theirs = Linear(features, outputs), nn.Linear(features, outputs)
    theirs.load_state_dict(ours.state_dict())
    left = torch.randn(images, features, requires_grad=True)
    right = left.detach().clone().requires_grad_()
    for layer, x in ((ours, left), (theirs, right)):
        layer(x).square().mean().backward()
    torch.testing.assert_close(ours(left), theirs(right), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(left.grad, right.grad, rtol=1e-4, atol=1e-6)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, other.grad, rtol=1e-4, atol=1e-6)


def test_dropout_drops_its_share_and_keeps_the_mean() -> None:
    layer = Dropout(0.25, torch.Generator().manual_seed(1))
    dropped = layer(torch.ones(200, 200))
    assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert dropped.mean().item() == pytest.approx(1, abs=0.02)
    assert dropped.max().item() == pytest.approx(1 / 0.75)


def test_dropout_does_nothing_in_evaluation() -> None:
    x = torch.randn(3, 4)
    assert Dropout(0.5, torch.Generator()).eval()(x) is x


def test_dropout_masks_depend_on_the_generator_alone() -> None:
    generator = torch.Generator()
    layer = Dropout(0.5, generator)
    masks = []
    for others in (1, 2):
        generator.manual_seed(7)
        torch.manual_seed(others)
        masks.append(layer(torch.ones(50)))
    assert torch.equal(*masks)
    assert not torch.equal(layer(torch.ones(50)), masks[0])


def test_batch_norm_starts_with_plain_means_and_goes_on_as_pytorchs() -> None:
    """PyTorch's layer takes plain means of all batches without a momentum, and weighs the newest by one with it."""
    generator = torch.Generator().manual_seed(1)
    batches = [5 + 3 * torch.randn(6, 4, 3, 3, generator=generator) for _ in range(15)]
    ours, theirs = BatchNorm(4), nn.BatchNorm2d(4, momentum=None)
    for number, batch in enumerate(batches, 1):
        if number > 10:
            theirs.momentum = ours.momentum
        torch.testing.assert_close(ours(batch), theirs(batch))
        for name, value in theirs.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[name], value)
    torch.testing.assert_close(ours.eval()(batches[0]), theirs.eval()(batches[0]))


def test_batch_norm_has_settled_after_one_batch() -> None:
    batch = 5 + 3 * torch.randn(50, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    layer = BatchNorm(4)
    trained = layer(batch)
    torch.testing.assert_close(layer.eval()(batch), trained, rtol=0, atol=0.01)


@pytest.mark.parametrize("images", [1, 7])
def test_batch_norm_in_evaluation_ignores_the_other_images(images: int) -> None:
    layer = BatchNorm(4)
    batch = torch.randn(20, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    layer(batch)
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    torch.testing.assert_close(layer.eval()(batch)[:images], layer(batch[:images]))
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
