"""What became of one image over the evaluations of a run: since when it is wrong, and how often that changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mnist_core.store.stored_evaluations import ImagePrediction


@dataclass(frozen=True, slots=True)
class ImageHistory:
    """How often one image went from right to wrong or back, and since when it has been wrong."""

    sides_changed: int
    wrong_since: int | None
    """The step of the first evaluation from which on all were wrong; None if the last one was right."""


def follow_image(predictions: Sequence[ImagePrediction], label: int) -> ImageHistory:
    """Return the history of an image with this true label. `predictions` are in the order of training."""
    is_right = [prediction.label == label for prediction in predictions]
    sides_changed = sum(before != after for before, after in pairwise(is_right))
    wrong_since = None
    for prediction, right in zip(reversed(predictions), reversed(is_right), strict=True):
        if right:
            break
        wrong_since = prediction.step
    return ImageHistory(sides_changed, wrong_since)
