"""What is inside a network: the filters of its first layer, what each layer makes of an image, and dead units."""

from __future__ import annotations

import base64
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from mnist_core.data.run_images import RunImages
from mnist_core.data.splits import Bytes
from mnist_core.errors import InferenceError
from mnist_core.inference.forward import CPU
from mnist_core.inference.weights import Network, RecentlyUsed
from mnist_core.training.batches import normalize
from mnist_core.training.devices import autocast
from mnist_core.training.engine import CACHED_IMAGES

MAX_MAPS, MAX_UNITS = 128, 1000
"""Maximum number of maps or filters of one layer in an answer, and of units without maps: the first ones."""

MAX_COUNTED = 16
"""Networks whose dead units stay in memory."""

_RELU = ("relu", "relu_")
"""Names of the functions for ReLU, of `torch`, of tensors and of `torch.nn.functional`."""


@dataclass
class _Layer:
    """What a layer made of a batch."""

    values: Tensor
    """(N, units) or (N, units, height, width); after ReLU if that comes next."""
    has_relu: bool = False


class Layers:
    """Looks into networks."""

    def __init__(self, images: RunImages) -> None:
        self._images = images
        self._dead: RecentlyUsed[dict[str, int]] = RecentlyUsed(MAX_COUNTED, 1_000_000)

    def filters(self, network: Network) -> dict[str, Any]:
        """Return the weights of the first layer, one picture a unit. Raises `InferenceError` if they are none."""
        for name, weight in network.model.named_parameters():
            if weight.dim() == 4:
                return {"step": network.step, **_packed(name, weight.detach().flatten(0, 1))}
            if weight.dim() == 2 and weight.shape[1] == 28 * 28:
                return {"step": network.step, **_packed(name, weight.detach().reshape(-1, 28, 28))}
        raise InferenceError(f"The network of {network.run.name} has no layer whose weights are pictures.")

    def activations(self, network: Network, image: Bytes) -> dict[str, Any]:
        """Return what each layer makes of an image (28, 28)."""
        layers = [
            {**_packed(name, layer.values[0]), "units": layer.values.shape[1] if layer.values.dim() > 1 else 1}
            for name, layer in record_layers(network, image[np.newaxis]).items()
        ]
        return {"step": network.step, "layers": layers}

    def dead_units(self, network: Network, split: str) -> dict[str, Any]:
        """Return how many units of each layer with ReLU no image of a split activates.

        Raises `DatasetError` if the images of the split are not here.
        """
        source = self._images.split_of(network.run, split)
        key: Hashable = (network.key, split)
        dead = self._dead.get(key)
        if dead is None:
            starts = range(0, len(source), CACHED_IMAGES)
            dead = count_dead_units(
                network, (source.images(range(start, min(start + CACHED_IMAGES, len(source)))) for start in starts)
            )
            self._dead.put(key, dead, 1000)
        return {"step": network.step, "dead": dead}


def count_dead_units(network: Network, batches: Iterable[Bytes]) -> dict[str, int]:
    """Return the number of units that are 0 for every image, by the name of the layer, of layers with ReLU."""
    largest: dict[str, Tensor] = {}
    for images in batches:
        for name, layer in record_layers(network, images).items():
            if layer.has_relu:
                peaks = layer.values.transpose(0, 1).flatten(1).amax(1)
                largest[name] = torch.maximum(largest[name], peaks) if name in largest else peaks
    return {name: int((peaks <= 0).sum()) for name, peaks in largest.items()}


@torch.inference_mode()
def record_layers(network: Network, images: Bytes) -> dict[str, _Layer]:
    """Return what each layer with weights makes of images (N, 28, 28), by its name, in the order of computation."""
    recorder = _Recorder()
    layers = [(name, layer) for name, layer in network.model.named_modules() if _has_own_weights(layer)]
    hooks = [layer.register_forward_hook(recorder.hook(name)) for name, layer in layers]
    try:
        with recorder, autocast(network.run.config.precision, CPU):
            network.model(normalize(torch.as_tensor(images)))
    finally:
        for hook in hooks:
            hook.remove()
    return recorder.layers


def _has_own_weights(layer: nn.Module) -> bool:
    return next(layer.parameters(recurse=False), None) is not None


class _Recorder(TorchFunctionMode):
    """Records the output of each layer, and in its place that of a ReLU that comes before the next layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: dict[str, _Layer] = {}
        self._latest: _Layer | None = None

    def hook(self, name: str) -> Callable[..., None]:
        def record(_layer: nn.Module, _inputs: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.dim() in (2, 4):
                self._latest = _Layer(output.float().clone())  # ReLU may work in place
                self.layers.pop(name, None)
                self.layers[name] = self._latest

        return record

    def __torch_function__(
        self, func: Callable[..., Any], _types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if getattr(func, "__name__", "") in _RELU and self._latest and not self._latest.has_relu:
            self._latest.values, self._latest.has_relu = result.float().clone(), True
        return result


def _packed(name: str, values: Tensor) -> dict[str, Any]:
    """Return values (units,) or (units, height, width) as levels from 0, the smallest, to 255, as base64."""
    shown = values[: MAX_MAPS if values.dim() > 1 else MAX_UNITS].float().contiguous().numpy()
    low, high = (float(shown.min()), float(shown.max())) if shown.size else (0.0, 0.0)
    if not np.isfinite([low, high]).all():
        raise InferenceError(f"The layer {name} holds NaN or infinity. Choose weights of another step.")
    levels = np.round((shown - low) * (255 / (high - low) if high > low else 0.0)).astype(np.uint8)
    return {
        "name": name,
        "shape": list(shown.shape),
        "min": low,
        "max": high,
        "values": base64.b64encode(levels.tobytes()).decode(),
    }
