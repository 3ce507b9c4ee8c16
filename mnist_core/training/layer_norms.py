"""Measures the norms of each layer's weights and gradients at some of the steps, without any effect on training."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mnist_core.records import Event, LayerNorms, StepMetrics

RATIO = 1.1
"""Steps are measured evenly in log steps, each this much later than the last: all of the first ten, 68 of 2,532, and
142 of 3,000,000. `benchmarks/training/layer_norms.py` prints what that costs: below 1 % of the training time."""

MAX_LAYERS = 64
"""A network of the user's own with more layers is measured by the parts that these are in."""


def is_due(step: int) -> bool:
    """Whether a step is measured. It depends on the step alone, so a resumed run measures the same ones."""
    return step == 1 or math.floor(math.log(step, RATIO)) > math.floor(math.log(step - 1, RATIO))


class LayerNormMeter:
    """Measures one network. It reads tensors between two steps, outside CUDA graphs, and waits for the device once."""

    def __init__(self, model: nn.Module) -> None:
        trained = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
        self._parameters: list[Tensor] = list(trained.values())
        layers = _layer_names(list(trained))
        self.layers = tuple(dict.fromkeys(layers))
        self._measured_step = 0
        self._members = [[i for i, name in enumerate(layers) if name == layer] for layer in self.layers]

    def norms_at(self, event: Event) -> LayerNorms | None:
        """Return the norms if they are due at a step, or have not been measured at the step of an evaluation."""
        if isinstance(event, StepMetrics) and not is_due(event.step):
            return None
        if event.step <= self._measured_step:  # the test of early stopping is that of an earlier step
            return None
        self._measured_step = event.step
        return self.measure(event.step)

    def measure(self, step: int) -> LayerNorms | None:
        """Return the norms after `step` updates; None if there are no gradients, as in a run that has just resumed."""
        gradients = [parameter.grad for parameter in self._parameters if parameter.grad is not None]
        if len(gradients) < len(self._parameters):
            return None
        with torch.no_grad():
            norms = torch.stack(
                [norm.float() for norm in torch._foreach_norm([*self._parameters, *gradients])]
            ).tolist()
        count = len(self._parameters)
        return LayerNorms(step, self.layers, self._by_layer(norms[:count]), self._by_layer(norms[count:]))

    def _by_layer(self, norms: list[float]) -> tuple[float, ...]:
        return tuple(math.hypot(*(norms[i] for i in members)) for members in self._members)


def _layer_names(parameters: list[str]) -> list[str]:
    """Return the layer of each parameter, such as `conv1` of `conv1.weight`; parameters of the whole have their own."""
    layers = [name.rpartition(".")[0] or name for name in parameters]
    while len(set(layers)) > MAX_LAYERS and any("." in layer for layer in layers):
        depth = max(layer.count(".") for layer in layers)
        layers = [layer.rpartition(".")[0] if layer.count(".") == depth else layer for layer in layers]
    return layers
