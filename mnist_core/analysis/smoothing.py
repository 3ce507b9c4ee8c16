"""Exponential averages of curves that jump from batch to batch, for the charts of the pages and of reports alike.

Smoothing comes before reducing a curve to the points of a chart, so that it averages all steps. Values that are not
finite are left out: the average carries on behind them. The browser continues the same curves batch by batch.
"""

from __future__ import annotations

import sys

import numpy as np

DEFAULT_SMOOTHING = 0.95
"""Weight of the past in the exponential average that charts draw."""

LAG_SHARE = 0.02
"""How far a smoothed curve may lag behind its data: share of the length of the run."""


def reduce_curve(
    values: np.ndarray, starts: np.ndarray, smoothing: float
) -> tuple[dict[str, np.ndarray], tuple[float, int]]:
    """Reduce a curve to buckets that begin at the indices `starts`. NaN stands for values that are not finite.

    Returns its `low`, `high` and `smooth`, float64, one value a bucket; and the last average before bias correction
    with the number of values in it.
    """
    if not len(values):
        return dict.fromkeys(("low", "high", "smooth"), np.empty(0)), (0.0, 0)
    is_finite = np.isfinite(values)
    averages = exponential_averages(values[is_finite], smoothing)
    counts = np.add.reduceat(is_finite, starts, dtype=np.int64)
    smoothed = np.full(len(starts), np.nan)
    smoothed[counts > 0] = correct_bias(averages, counts.cumsum()[counts > 0], smoothing)
    curve = {"low": np.fmin.reduceat(values, starts), "high": np.fmax.reduceat(values, starts), "smooth": smoothed}
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
    import pandas as pd  # takes half a second, which commands without curves do without

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
