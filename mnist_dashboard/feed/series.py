"""One run's curves for display: every step in memory, smoothed over all of them, then reduced to what a screen shows.

The store keeps every step; only what is drawn is reduced. Smoothing comes first, so that it is the true average, and
each bucket keeps its lowest and highest value, so that no spike disappears.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from mnist_dashboard.server.shared_constants import CURVES, LEVELS, MAX_BUCKETS


class RunSeries:
    """What is drawn of one attempt at a run, step by step from 1. Not thread-safe: the hub guards it."""

    def __init__(self, attempt: int) -> None:
        self.attempt = attempt
        self.steps = 0
        self._columns = {name: np.empty(1024, np.float32) for name in (*CURVES, *LEVELS)}

    def extend(self, first_step: int, table: np.ndarray) -> bool:
        """Add steps from `first_step` on (`step_codec.STEP_COLUMNS`); False if some between are missing."""
        if first_step > self.steps + 1:
            return False
        fresh = table[self.steps + 1 - first_step :]
        if len(fresh):
            end = self.steps + len(fresh)
            for name in self._columns:
                if end > len(self._columns[name]):
                    self._columns[name] = np.concatenate([self._columns[name], np.empty(end, np.float32)])
                self._columns[name][self.steps : end] = fresh[name]
            self.steps = end
        return True

    def history(self, smoothing: float) -> dict[str, Any]:
        """`step`, `x`, the curves, the levels and `ema` of the feed's `history` event, JSON-ready."""
        size = max(1, math.ceil(self.steps / MAX_BUCKETS))
        starts = np.arange(0, self.steps, size)
        ends = np.minimum(starts + size, self.steps) - 1
        reduced: dict[str, Any] = {"step": self.steps, "x": (ends + 1).tolist(), "ema": {}}
        for name in CURVES:
            values = self._columns[name][: self.steps].astype(np.float64)
            values[~np.isfinite(values)] = np.nan
            averages = smooth(values, smoothing)
            reduced[name] = {
                "low": round_for_json(np.fmin.reduceat(values, starts) if len(starts) else values),
                "high": round_for_json(np.fmax.reduceat(values, starts) if len(starts) else values),
                "smooth": round_for_json(averages[ends]),
            }
            reduced["ema"][name] = _carry(values, averages, smoothing)
        for name in LEVELS:
            reduced[name] = round_for_json(self._columns[name][ends])
        return reduced


def smooth(values: np.ndarray, smoothing: float) -> np.ndarray:
    """Bias-corrected exponential average (Kingma & Ba 2015, section 3), which pandas calls `adjust=True`; skips NaN."""
    if smoothing == 0:
        return values
    return pd.Series(values).ewm(alpha=1 - smoothing, adjust=True, ignore_na=True).mean().to_numpy()


def _carry(values: np.ndarray, smooth: np.ndarray, smoothing: float) -> tuple[float, int]:
    """The average before bias correction and the number of values in it, from which the browser carries on."""
    count = int(np.isfinite(values).sum())
    return (float(smooth[-1]) * (1 - smoothing**count), count) if count else (0.0, 0)


def round_for_json(values: np.ndarray | Sequence[float]) -> list[float | None]:
    """Six significant digits, enough for any screen; None for what JSON cannot say."""
    return [float(f"{value:.6g}") if math.isfinite(value) else None for value in values]
