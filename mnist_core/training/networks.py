"""Sizes of the networks, for pages and the terminal, which show them before a network is built. Without torch."""

from __future__ import annotations

PARAMETER_COUNTS = {"classic": 431_080, "example": 1_199_882, "mlp": 266_610, "softmax": 7_850}
"""Trained parameters of each of `config.MODELS`; `mnist_core.training.models` builds them."""
