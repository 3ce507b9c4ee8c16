"""Every update rule agrees with the one in `torch.optim`."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import torch
from torch import Tensor

from mnist_core.training import optimizers

LR, MOMENTUM = 0.05, 0.9
RULES: dict[str, Callable[[Iterable[Tensor], float], torch.optim.Optimizer]] = {
    "sgd": lambda weights, decay: torch.optim.SGD(weights, lr=LR, momentum=MOMENTUM, weight_decay=decay),
    "nesterov": lambda weights, decay: torch.optim.SGD(
        weights, lr=LR, momentum=MOMENTUM, weight_decay=decay, nesterov=True
    ),
    "adam": lambda weights, decay: torch.optim.Adam(weights, lr=LR, weight_decay=decay),
    "adadelta": lambda weights, decay: torch.optim.Adadelta(weights, lr=LR, weight_decay=decay),
}


def weights() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(shape, generator=generator, requires_grad=True) for shape in ((4, 3), (3,))]


def give_gradients(parameters: list[Tensor], step: int) -> None:
    generator = torch.Generator().manual_seed(step)
    for parameter in parameters:
        parameter.grad = torch.randn(parameter.shape, generator=generator)


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("name", RULES)
def test_an_update_rule_agrees_with_pytorch(name: str, decay: float) -> None:
    ours, theirs = weights(), weights()
    rule, expected = optimizers.build_optimizer(name, ours, decay), RULES[name](theirs, decay)
    for step in range(20):
        give_gradients(ours, step)
        give_gradients(theirs, step)
        rule.step(LR, MOMENTUM)
        expected.step()
        for mine, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, other, rtol=0, atol=1e-6)
    assert all(parameter.requires_grad for parameter in ours)


def test_sgd_without_momentum_follows_the_gradient() -> None:
    ours = weights()
    before = [weight.detach().clone() for weight in ours]
    give_gradients(ours, 1)
    optimizers.build_optimizer("sgd", ours, 0.0).step(0.1, 0.0)
    for weight, old in zip(ours, before, strict=True):
        torch.testing.assert_close(weight.detach(), old - 0.1 * weight.grad)  # type: ignore[operator]


@pytest.mark.parametrize("name", RULES)
def test_a_copied_state_makes_the_same_updates(name: str) -> None:
    first = weights()
    rule = optimizers.build_optimizer(name, first, 0.01)
    for step in range(3):
        give_gradients(first, step)
        rule.step(LR, MOMENTUM)
    second = [weight.detach().clone().requires_grad_() for weight in first]
    copied = optimizers.build_optimizer(name, second, 0.01)
    for mine, saved in zip(copied.state(), rule.state(), strict=True):
        mine.copy_(saved)
    for parameters, optimizer in ((first, rule), (second, copied)):
        give_gradients(parameters, 3)
        optimizer.step(LR, MOMENTUM)
    assert all(torch.equal(*pair) for pair in zip(first, second, strict=True))


@pytest.mark.parametrize("kind", ["rule", "network"])
def test_an_unknown_name_is_an_assertion_error(kind: str) -> None:
    from mnist_core.training.networks import models

    build: Callable[[], Any] = {
        "rule": lambda: optimizers.build_optimizer("lion", [], 0.0),
        "network": lambda: models.build_model("resnet", torch.Generator()),
    }[kind]
    with pytest.raises(AssertionError):
        build()
