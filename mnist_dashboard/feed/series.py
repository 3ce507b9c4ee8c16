"""Turns the metrics of each batch into the points of a chart: smooths every step, then reduces them to what fits.

The store keeps every step; only the points are reduced. Smoothing comes first, so that it averages all steps. Each
bucket of steps keeps its lowest and highest value, so that no spike disappears. A value that is not finite is left out:
a bucket without any finite value is a gap, and the average carries on behind it. The browser continues the same curves
batch by batch, by the same rules, see `client/series.js`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from mnist_core.analysis.smoothing import reduce_curve
from mnist_core.records import round_number
from mnist_core.store.codecs.step_codec import STEP_COLUMNS
from mnist_dashboard.server.shared_constants import CURVES, LEVELS, MAX_BUCKETS, RECENT_BATCHES


class RunSeries:
    """The metrics of one attempt at a run, for every step from 1 on. Not thread-safe: the hub holds a lock."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.steps = 0
        self._columns = {name: np.empty(1024, STEP_COLUMNS[name]) for name in (*CURVES, *LEVELS)}

    def extend(self, first_step: int, table: np.ndarray) -> bool:
        """Append consecutive steps that begin at `first_step`; skip known ones. Return False if steps are missing.

        `table` is a structured array of `step_codec.STEP_COLUMNS`.
        """
        if first_step > self.steps + 1:
            return False
        new_steps = table[self.steps + 1 - first_step :]
        if len(new_steps):
            end = self.steps + len(new_steps)
            for name, column in self._columns.items():
                if end > len(column):
                    self._columns[name] = np.concatenate([column, np.empty(end, column.dtype)])
                self._columns[name][self.steps : end] = new_steps[name]
            self.steps = end
        return True

    def values(self, name: str) -> np.ndarray:
        """One value of every step, without a copy; more steps may be appended later."""
        return self._columns[name][: self.steps]

    def points(self, smoothing: float) -> dict[str, Any]:
        """The points of all curves, JSON-ready: at most `MAX_BUCKETS` of each.

        `x` is the last step of each bucket. Each of `CURVES` has the lowest, highest and smoothed value per bucket,
        each of `LEVELS` the last value. `ema` is what the browser needs to continue the averages. `recent` has the
        values of the last batches, which the status strip averages whatever the smoothing of the charts is.
        """
        size = max(1, math.ceil(self.steps / MAX_BUCKETS))
        starts = np.arange(0, self.steps, size)
        ends = np.minimum(starts + size, self.steps) - 1
        points: dict[str, Any] = {"step": self.steps, "x": (ends + 1).tolist(), "ema": {}, "recent": {}}
        for name in CURVES:
            values = self._columns[name][: self.steps].astype(np.float64)
            values[~np.isfinite(values)] = np.nan
            curve, points["ema"][name] = reduce_curve(values, starts, smoothing)
            points[name] = {kind: round_values(reduced) for kind, reduced in curve.items()}
            points["recent"][name] = round_values(values[-RECENT_BATCHES:])
        for name in LEVELS:
            points[name] = round_values(self._columns[name][ends])
        return points


def round_values(values: np.ndarray) -> list[float | None]:
    """Values with six significant digits, more than a screen can show; None for those that are not finite."""
    return [round_number(value) for value in values.tolist()]
