"""Passes images through a network and returns what it makes of them: probabilities, and values inside.

Images are uint8 (N, 28, 28), 0 is background and 255 is ink. All passes are on the CPU, in the run's precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mnist_core.data.splits import Bytes
from mnist_core.errors import InferenceError
from mnist_core.inference.weights import Network
from mnist_core.training.batches import normalize
from mnist_core.training.devices import autocast
from mnist_core.training.engine import CACHED_IMAGES

CPU = torch.device("cpu")


@torch.inference_mode()
def compute_probabilities(network: Network, images: Bytes) -> np.ndarray:
    """Return the probability of each digit, float32 (N, 10). Raises `InferenceError` if the network returns others."""
    batches = [_forward(network, images[start : start + CACHED_IMAGES]) for start in _starts(images)]
    return np.concatenate(batches)


@torch.inference_mode()
def embed(network: Network, images: Bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return the penultimate layer, float32 (N, D), and the probability of each digit, float32 (N, 10).

    The penultimate layer is the input of the `nn.Linear` that computes last, with all but the first dimension
    flattened. A network without one has the logarithms of the probabilities instead.
    """
    embeddings, probabilities = [], []
    with _last_linear_input(network.model) as inputs:
        for start in _starts(images):
            inputs.clear()
            probabilities.append(_forward(network, images[start : start + CACHED_IMAGES]))
            last = inputs[-1] if inputs else torch.from_numpy(np.log(np.maximum(probabilities[-1], 1e-30)))
            embeddings.append(last.flatten(1).float().numpy())
    return np.concatenate(embeddings), np.concatenate(probabilities)


def _starts(images: Bytes) -> range:
    return range(0, len(images), CACHED_IMAGES)


def _forward(network: Network, images: Bytes) -> np.ndarray:
    run = network.run
    with autocast(run.config.precision, CPU):
        output: Tensor = network.model(normalize(torch.as_tensor(images)))
    if output.shape != (len(images), 10):
        shape = " x ".join(map(str, output.shape))
        raise InferenceError(
            f"The network of {run.name} returned {shape} numbers for {len(images)} images, not 10 each."
        )
    probabilities = output.float().exp().numpy()
    if not np.isfinite(probabilities).all():
        raise InferenceError(f"The network of {run.name} returned NaN or infinity. Choose weights of another step.")
    return probabilities


@contextmanager
def _last_linear_input(model: nn.Module) -> Iterator[list[Tensor]]:
    """Yield a list to which each linear layer appends its input when it computes."""
    inputs: list[Tensor] = []

    def record(_layer: nn.Module, arguments: tuple[Any, ...]) -> None:
        inputs[:] = [arguments[0].clone()]  # the next layer may change it in place

    hooks = [layer.register_forward_pre_hook(record) for layer in model.modules() if isinstance(layer, nn.Linear)]
    try:
        yield inputs
    finally:
        for hook in hooks:
            hook.remove()
