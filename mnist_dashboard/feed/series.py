"""Turns the metrics of each batch into the points of a chart: smooths every step, then reduces them to what fits.

The store keeps every step; only the points are reduced. Smoothing comes first, so that it averages all steps. Each
bucket of steps keeps its lowest and highest value, so that no spike disappears. A value that is not finite is left out:
a bucket without any finite value is a gap, and the average carries on behind it. The browser continues the same curves
batch by batch, by the same rules, see `client/series.js`.
"""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pandas as pd

from mnist_core.records import round_number
from mnist_core.store.step_codec import STEP_COLUMNS
from mnist_dashboard.server.shared_constants import CURVES, DEFAULT_SMOOTHING, LEVELS, MAX_BUCKETS, RECENT_BATCHES

LAG_SHARE = 0.02
"""How far a smoothed curve may lag behind its data: share of the length of the run."""


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
            points[name], points["ema"][name] = _reduce_curve(values, starts, smoothing)
            points["recent"][name] = round_values(values[-RECENT_BATCHES:])
        for name in LEVELS:
            points[name] = round_values(self._columns[name][ends])
        return points


def _reduce_curve(
    values: np.ndarray, starts: np.ndarray, smoothing: float
) -> tuple[dict[str, list[float | None]], tuple[float, int]]:
    """Reduce a curve to buckets that begin at the indices `starts`. NaN stands for values that are not finite.

    Returns the curve, and the last average before bias correction with the number of values in it.
    """
    if not len(values):
        return {"low": [], "high": [], "smooth": []}, (0.0, 0)
    is_finite = np.isfinite(values)
    averages = exponential_averages(values[is_finite], smoothing)
    counts = np.add.reduceat(is_finite, starts, dtype=np.int64)
    smoothed = np.full(len(starts), np.nan)
    smoothed[counts > 0] = correct_bias(averages, counts.cumsum()[counts > 0], smoothing)
    curve = {
        "low": round_values(np.fmin.reduceat(values, starts)),
        "high": round_values(np.fmax.reduceat(values, starts)),
        "smooth": round_values(smoothed),
    }
    return curve, (float(averages[-1]), len(averages)) if len(averages) else (0.0, 0)


def adapted_smoothing(total_steps: int) -> float:
    """Return the smoothing of the curves of a run of this length, in steps of 0.01; 0 stands for an unknown length.

    An exponential average with weight w of the past is an average over data that are w / (1 - w) steps old. While the
    loss falls, the curve lies that far to the right of its data: at 0.95 by 19 steps, which is most of a run of 30.
    Here the lag is `LAG_SHARE` of the run's length, and from 950 steps on that of `DEFAULT_SMOOTHING`.
    """
    if total_steps <= 0:
        return DEFAULT_SMOOTHING
    lag = LAG_SHARE * total_steps
    return min(round(lag / (1 + lag), 2), DEFAULT_SMOOTHING)


def exponential_averages(values: np.ndarray, smoothing: float) -> np.ndarray:
    """Exponential averages of finite values, before bias correction: they begin at 0."""
    from_zero = pd.Series(np.append(0.0, values))
    averages: np.ndarray = from_zero.ewm(alpha=1 - smoothing, adjust=False).mean().to_numpy()[1:]
    return averages


def correct_bias(averages: np.ndarray, counts: np.ndarray, smoothing: float) -> np.ndarray:
    """Return the averages of the first `counts` values, corrected for beginning at 0 (Kingma & Ba 2015, section 3).

    Rounding may take an average of the largest floats beyond them; it stays the largest.
    """
    with np.errstate(over="ignore"):
        corrected = averages[counts - 1] / (1 - smoothing**counts)
    return np.asarray(corrected.clip(-sys.float_info.max, sys.float_info.max))


def round_values(values: np.ndarray) -> list[float | None]:
    """Values with six significant digits, more than a screen can show; None for those that are not finite."""
    return [round_number(value) for value in values.tolist()]
