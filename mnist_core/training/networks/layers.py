"""Variants of PyTorch layers: a faster `Linear`, a reproducible `Dropout`, and a `BatchNorm` that settles sooner."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_HAS_ONEDNN = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class Linear(nn.Linear):
    """`nn.Linear`, but computed by oneDNN on the CPU in fp32.

    PyTorch computes fp32 matrix products with MKL, which does not use AVX-512 on AMD processors. oneDNN, which PyTorch
    uses for all other operations here, is twice as fast there and equally fast on Intel (`benchmarks/README.md`).
    """

    def forward(self, x: Tensor) -> Tensor:
        if _HAS_ONEDNN and x.device.type == "cpu" and x.dtype is torch.float32 and not torch.is_autocast_enabled("cpu"):
            product: Tensor = _OneDnnLinear.apply(x, self.weight, self.bias)
            return product
        return F.linear(x, self.weight, self.bias)


class _OneDnnLinear(torch.autograd.Function):
    """x (N, in) @ weight (out, in) transposed + bias (out,), with gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _multiply(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor]:
        x, weight = ctx.saved_tensors
        x_gradient = _multiply(gradient, weight.t()) if ctx.needs_input_grad[0] else None
        return x_gradient, _multiply(gradient.t(), x.t()), gradient.sum(0)


def _multiply(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


class Dropout(nn.Module):
    """`nn.Dropout` with its own random generator, independent of torch's global one."""

    def __init__(self, rate: float, generator: torch.Generator) -> None:
        super().__init__()
        self.rate = rate
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        keep = 1 - self.rate
        mask = torch.empty_like(x).bernoulli_(keep, generator=self.generator)
        # A mask of 0 and 1 is exact in bf16, but one of 0 and 1 / 0.75 would scale every value by 1.002.
        return (x * mask).mul_(1 / keep)


class BatchNorm(nn.BatchNorm2d):
    """`nn.BatchNorm2d`, but its running statistics are a plain mean at first.

    PyTorch's start at mean 0 and variance 1, which still count 4 % after 30 batches: too much for a short run on a
    small dataset. Here the first batches weigh 1, 1/2, 1/3 and so on, until `momentum` is larger. The state is that of
    PyTorch's layer, so its layer can load the weights.
    """

    is_settled = False
    """Whether every batch weighs `momentum` from now on. Then a training step reads nothing back from the device."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked.add_(1)
        weight = self.momentum
        if not self.is_settled:
            weight = max(weight, 1 / int(self.num_batches_tracked))
            self.is_settled = weight == self.momentum
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, True, weight, self.eps)
