"""Optimizers that compute the same as those of `torch.optim`, without its overhead.

`torch.optim` imports `torch._dynamo` on first use, which takes a second in every new process, and makes each step of
such small networks slower (`benchmarks/README.md`). The tests compare every optimizer here with its counterpart there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor


class Optimizer(ABC):
    """Updates parameters from their gradients."""

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float) -> None:
        self._parameters = list(parameters)
        self._weight_decay = weight_decay

    def zero_grad(self) -> None:
        for parameter in self._parameters:
            parameter.grad = None

    @abstractmethod
    def step(self, lr: float | Tensor, momentum: float) -> None:
        """Update every parameter once. Adam and Adadelta ignore `momentum`.

        A CUDA graph passes `lr` as a tensor () on the device, since it repeats numbers as they were when recorded.
        """

    @abstractmethod
    def state(self) -> list[Tensor]:
        """Return the tensors that the next step depends on, besides parameters and gradients.

        Checkpoints save them, and restore them by copying into them.
        """

    def _gradients(self) -> list[Tensor]:
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        assert len(gradients) == len(self._parameters), "every parameter takes part in the loss"
        return gradients

    def _zeros(self) -> list[Tensor]:
        return [torch.zeros_like(parameter, requires_grad=False) for parameter in self._parameters]


class SGD(Optimizer):
    """Stochastic gradient descent with momentum (Sutskever et al. 2013), as `torch.optim.SGD`."""

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float, *, nesterov: bool = False) -> None:
        super().__init__(parameters, weight_decay)
        self._velocities = self._zeros()
        self._nesterov = nesterov

    def step(self, lr: float | Tensor, momentum: float) -> None:
        torch._fused_sgd_(
            self._parameters,
            self._gradients(),
            self._velocities if momentum else [],
            lr=lr,
            momentum=momentum,
            weight_decay=self._weight_decay,
            nesterov=self._nesterov,
            dampening=0,
            maximize=False,
            is_first_step=False,
        )

    def state(self) -> list[Tensor]:
        return self._velocities


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015) with its usual constants, as `torch.optim.Adam`. `weight_decay` is an L2 penalty."""

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float) -> None:
        super().__init__(parameters, weight_decay)
        self._means, self._squares = self._zeros(), self._zeros()
        self._steps = [torch.zeros((), device=parameter.device) for parameter in self._parameters]

    def step(self, lr: float | Tensor, momentum: float) -> None:
        torch._foreach_add_(self._steps, 1)
        torch._fused_adam_(
            self._parameters,
            self._gradients(),
            self._means,
            self._squares,
            [],
            self._steps,
            lr=lr,
            beta1=0.9,
            beta2=0.999,
            eps=1e-8,
            weight_decay=self._weight_decay,
            amsgrad=False,
            maximize=False,
        )

    def state(self) -> list[Tensor]:
        return [*self._means, *self._squares, *self._steps]


class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012, algorithm 1) scaled by a learning rate, as `torch.optim.Adadelta`: rho 0.9, eps 1e-6."""

    RHO, EPSILON = 0.9, 1e-6

    def __init__(self, parameters: Iterable[Tensor], weight_decay: float) -> None:
        super().__init__(parameters, weight_decay)
        self._squares, self._updates = self._zeros(), self._zeros()

    @torch.no_grad()
    def step(self, lr: float | Tensor, momentum: float) -> None:
        for parameter, square, update in zip(self._parameters, self._squares, self._updates, strict=True):
            assert parameter.grad is not None
            gradient = parameter.grad.add(parameter, alpha=self._weight_decay)
            square.mul_(self.RHO).addcmul_(gradient, gradient, value=1 - self.RHO)
            delta = (update + self.EPSILON).sqrt_().div_((square + self.EPSILON).sqrt_()).mul_(gradient)
            update.mul_(self.RHO).addcmul_(delta, delta, value=1 - self.RHO)
            if isinstance(lr, Tensor):
                parameter.sub_(delta.mul_(lr))
            else:
                parameter.sub_(delta, alpha=lr)

    def state(self) -> list[Tensor]:
        return [*self._squares, *self._updates]


def build_optimizer(name: str, parameters: Iterable[Tensor], weight_decay: float) -> Optimizer:
    """Build one of `config.OPTIMIZERS`."""
    match name:
        case "sgd":
            return SGD(parameters, weight_decay)
        case "nesterov":
            return SGD(parameters, weight_decay, nesterov=True)
        case "adam":
            return Adam(parameters, weight_decay)
        case "adadelta":
            return Adadelta(parameters, weight_decay)
    raise AssertionError(f"no optimizer is called {name}")
