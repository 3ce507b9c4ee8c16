"""What a person is told about the networks before one is built: names and sizes. Without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Network:
    label: str
    parameters: int


NETWORKS = {
    "classic": Network("Classic CNN", 431_080),
    "example": Network("PyTorch example CNN", 1_199_882),
    "mlp": Network("MLP", 266_610),
    "softmax": Network("Softmax regression", 7_850),
}
"""By the name a config gives them; `mnist_core.training.models` builds them."""
