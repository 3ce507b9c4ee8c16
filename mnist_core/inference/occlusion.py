"""How much each part of an image matters for how a network reads it: cover it, and see what is lost.

Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks", section 4.2
(https://arxiv.org/abs/1311.2901), but with background in the place of grey.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mnist_core.data.splits import Bytes
from mnist_core.inference.forward import compute_probabilities
from mnist_core.inference.weights import Network

SIZE, STRIDE = 7, 2
"""Side of the covering window and distance between two windows, in pixels."""

STARTS = range(0, 28 - SIZE + 1, STRIDE)
"""First rows, and first columns, of the windows."""


def occlude(network: Network, image: Bytes) -> dict[str, Any]:
    """Return how an image (28, 28) is read when a window of it is covered, for each window, row by row.

    `losses` is the probability lost of the digit that the whole image is read as; negative where covering helps.
    `reads` is the digit that is read then.
    """
    covered = np.stack([image] + [_cover(image, top, left) for top in STARTS for left in STARTS])
    probabilities = compute_probabilities(network, covered)
    digit = int(probabilities[0].argmax())
    shape = len(STARTS), len(STARTS)
    losses = (probabilities[0, digit] - probabilities[1:, digit]).reshape(shape)
    return {
        "digit": digit,
        "probability": round(float(probabilities[0, digit]), 6),
        "size": SIZE,
        "stride": STRIDE,
        "losses": [[round(loss, 6) for loss in row] for row in losses.tolist()],
        "reads": probabilities[1:].argmax(1).reshape(shape).tolist(),
    }


def _cover(image: Bytes, top: int, left: int) -> Bytes:
    covered = image.copy()
    covered[top : top + SIZE, left : left + SIZE] = 0
    return covered
