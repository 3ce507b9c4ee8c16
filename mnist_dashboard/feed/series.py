"""Turns the metrics of each batch into the points of a chart: smooths every step, then reduces them to what fits.

The store keeps every step; only the points are reduced. Smoothing comes first, so that it averages all steps. Each
bucket of steps keeps its lowest and highest value, so that no spike disappears. The browser continues the same curves
batch by batch, see `client/series.js`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from mnist_dashboard.feed.json_encoding import round_values
from mnist_dashboard.server.shared_constants import CURVES, LEVELS, MAX_BUCKETS


class RunSeries:
    """The metrics of one attempt at a run, for every step from 1 on. Not thread-safe: the hub holds a lock."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.steps = 0
        self._columns = {name: np.empty(1024, np.float32) for name in (*CURVES, *LEVELS)}

    def extend(self, first_step: int, table: np.ndarray) -> bool:
        """Append consecutive steps that begin at `first_step`; skip known ones. Return False if steps are missing.

        `table` is a structured array of `step_codec.STEP_COLUMNS`.
        """
        if first_step > self.steps + 1:
            return False
        new_steps = table[self.steps + 1 - first_step :]
        if len(new_steps):
            end = self.steps + len(new_steps)
            for name in self._columns:
                if end > len(self._columns[name]):
                    self._columns[name] = np.concatenate([self._columns[name], np.empty(end, np.float32)])
                self._columns[name][self.steps : end] = new_steps[name]
            self.steps = end
        return True

    def points(self, smoothing: float) -> dict[str, Any]:
        """The points of all curves, JSON-ready: at most `MAX_BUCKETS` of each.

        `x` is the last step of each bucket. Each of `CURVES` has the lowest, highest and smoothed value per bucket,
        each of `LEVELS` the last value. `ema` is what the browser needs to continue the averages.
        """
        size = max(1, math.ceil(self.steps / MAX_BUCKETS))
        starts = np.arange(0, self.steps, size)
        ends = np.minimum(starts + size, self.steps) - 1
        points: dict[str, Any] = {"step": self.steps, "x": (ends + 1).tolist(), "ema": {}}
        for name in CURVES:
            values = self._columns[name][: self.steps].astype(np.float64)
            values[~np.isfinite(values)] = np.nan
            averages = smooth(values, smoothing)
            points[name] = {
                "low": round_values(np.fmin.reduceat(values, starts) if len(starts) else values),
                "high": round_values(np.fmax.reduceat(values, starts) if len(starts) else values),
                "smooth": round_values(averages[ends]),
            }
            points["ema"][name] = _average_state(values, averages, smoothing)
        for name in LEVELS:
            points[name] = round_values(self._columns[name][ends])
        return points


def smooth(values: np.ndarray, smoothing: float) -> np.ndarray:
    """Bias-corrected exponential average (Kingma & Ba 2015, section 3), which pandas calls `adjust=True`; skips NaN."""
    if smoothing == 0:
        return values
    return pd.Series(values).ewm(alpha=1 - smoothing, adjust=True, ignore_na=True).mean().to_numpy()


def _average_state(values: np.ndarray, averages: np.ndarray, smoothing: float) -> tuple[float, int]:
    """The last average before bias correction, and the number of values in it."""
    count = int(np.isfinite(values).sum())
    return (float(averages[-1]) * (1 - smoothing**count), count) if count else (0.0, 0)
