"""The training loss of a whole run in a few points, kept as the run goes, so that a table can draw it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from mnist_core.records import CURVE_POINTS


def _zeros() -> np.ndarray:
    return np.zeros(CURVE_POINTS)


@dataclass(frozen=True)
class LossCurve:
    """Means of equally many steps each, in at most `CURVE_POINTS` points; those are joined in pairs when it is full."""

    steps: int = 0
    steps_per_point: int = 1
    sums: np.ndarray = field(default_factory=_zeros)
    counts: np.ndarray = field(default_factory=_zeros)

    def with_losses(self, losses: np.ndarray) -> LossCurve:
        """With the losses of the next steps added; what is not finite is left out."""
        steps, steps_per_point = self.steps + len(losses), self.steps_per_point
        sums, counts = self.sums, self.counts
        while steps > CURVE_POINTS * steps_per_point:
            sums, counts = _merge_pairs(sums), _merge_pairs(counts)
            steps_per_point *= 2
        finite = np.isfinite(losses)
        points = (np.arange(self.steps, steps) // steps_per_point)[finite]
        sums = sums + np.bincount(points, losses[finite], CURVE_POINTS)
        return LossCurve(steps, steps_per_point, sums, counts + np.bincount(points, minlength=CURVE_POINTS))

    def points(self) -> np.ndarray:
        there = self.counts > 0
        return np.asarray(self.sums[there] / self.counts[there])


def _merge_pairs(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values.reshape(-1, 2).sum(1), np.zeros(CURVE_POINTS // 2)])
