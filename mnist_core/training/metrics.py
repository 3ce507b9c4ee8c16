"""The metrics of a batch or a split: loss, confusion counts and accuracy."""

from __future__ import annotations

import torch
from torch import Tensor

from mnist_core.records import MAX_LEVEL, Confusion
from mnist_core.training.devices import widest_float


def pack_metrics(loss: Tensor, labels: Tensor, predictions: Tensor) -> Tensor:
    """Return the loss and each image's pair of true and predicted label as one float tensor (1 + N,) on the device.

    So both leave the device in one synchronisation. Floats hold the pairs, 0 to 99, exactly.
    """
    pairs = (labels * 10 + predictions).to(widest_float(loss.device))
    return torch.cat([loss.to(pairs.dtype).reshape(1), pairs])


def unpack_metrics(packed: Tensor) -> tuple[float, Confusion]:
    """Return the loss and the counts of (true label, prediction) of `pack_metrics`."""
    loss, *pairs = packed.tolist()
    counts = [0] * 100
    for pair in pairs:
        counts[int(pair)] += 1
    return loss, tuple(tuple(counts[row : row + 10]) for row in range(0, 100, 10))


def probability_levels(log_probabilities: Tensor) -> Tensor:
    """Return the levels (N, 10), uint8, of log-probabilities (N, 10), on their device: see `records.probabilities`."""
    levels = log_probabilities.float().softmax(1).mul_(MAX_LEVEL).round_()
    return levels.nan_to_num_(nan=0.0).to(torch.uint8)


def accuracy(confusion: Confusion) -> float:
    """Return the share of images that were classified correctly, 0 to 1."""
    return sum(confusion[digit][digit] for digit in range(10)) / sum(map(sum, confusion))
