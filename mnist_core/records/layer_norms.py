"""The norms of each layer of a network at one step of its training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LayerNorms:
    """L2 norms by layer: of all weights of a layer, biases included, and of the gradient of all of them."""

    step: int
    """Number of completed updates, as in `StepMetrics`."""
    layers: tuple[str, ...]
    """Names of the layers, in the order in which the network lists them."""
    weights: tuple[float, ...]
    """After the update."""
    gradients: tuple[float, ...]
    """Of the loss of the step's batch, before the update, without weight decay; NaN if it is not finite."""
