"""Sizes of the networks, for pages and the terminal. Does not import torch."""

from __future__ import annotations

PARAMETER_COUNTS = {"classic": 431_080, "example": 1_199_882, "compact": 58_202, "mlp": 266_610, "softmax": 7_850}
"""Number of trainable parameters of each of `config.MODELS`, as built by `mnist_core.training.networks.models`."""
