"""The curves of a run, computed step by step in plain Python, and cases for both Python and the browser."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.store.codecs.step_codec import STEP_COLUMNS

Values = list[float | None]


def step_table(losses: Sequence[float] | np.ndarray) -> np.ndarray:
    """Return consecutive steps with these losses; time and learning rate change with every step."""
    table = np.zeros(len(losses), STEP_COLUMNS)
    table["loss"] = losses
    table["accuracy"] = 0.5
    table["lr"] = 1 / np.arange(1, len(losses) + 1)
    table["examples_per_second"] = 100
    table["elapsed_seconds"] = np.arange(1, len(losses) + 1)
    return table


def averages(values: Sequence[float], smoothing: float) -> Values:
    """Return the bias-corrected average after each value; None, without an effect on later ones, if not finite."""
    average, count = 0.0, 0
    corrected: Values = []
    for value in values:
        if not math.isfinite(value):
            corrected.append(None)
            continue
        count += 1
        average = smoothing * average + (1 - smoothing) * value
        limit = sys.float_info.max
        corrected.append(max(-limit, min(average / (1 - smoothing**count), limit)))
    return corrected


def tensorboard_curve(values: Sequence[float], smoothing: float) -> Values:
    """Return TensorBoard's smoothed curve of finite values, in closed form.

    TensorBoard accumulates `last = smoothing * last + (1 - smoothing) * value` from 0 and divides by
    `1 - smoothing ** count`: a mean in which a value that is k steps old has the weight `smoothing ** k`.
    """
    curve: Values = []
    for end in range(1, len(values) + 1):
        weights = np.power(smoothing, np.arange(end)[::-1])
        curve.append(float(np.average(values[:end], weights=weights)))
    return curve


def reduced_curve(values: Sequence[float], smoothing: float, bucket_size: int) -> dict[str, Values]:
    """Return the lowest, highest and last smoothed value of each bucket; None where no value is finite."""
    smoothed = averages(values, smoothing)
    curve: dict[str, Values] = {"low": [], "high": [], "smooth": []}
    for start in range(0, len(values), bucket_size):
        finite = [value for value in values[start : start + bucket_size] if math.isfinite(value)]
        present = [value for value in smoothed[start : start + bucket_size] if value is not None]
        curve["low"].append(min(finite, default=None))
        curve["high"].append(max(finite, default=None))
        curve["smooth"].append(present[-1] if present else None)
    return curve


def tolerance(values: Sequence[float], relative: float) -> float:
    """Return a relative tolerance of the largest finite value, for differences that may cancel."""
    return max(1e-300, relative * max((abs(value) for value in values if math.isfinite(value)), default=0.0))


@dataclass(frozen=True)
class CurveCase:
    """A run of which the browser gets the first steps as history, and the others one by one."""

    name: str
    losses: tuple[float, ...]
    history_steps: int
    smoothing: float
    bucket_size: int = 1

    @property
    def ends(self) -> list[int]:
        """The last step of each bucket."""
        steps = len(self.losses)
        return [min(start + self.bucket_size, steps) for start in range(0, steps, self.bucket_size)]


def _long_run(steps: int) -> tuple[float, ...]:
    """A run with single values missing, and with gaps of several buckets."""
    generator = np.random.default_rng(1)
    losses = generator.uniform(0.1, 2.0, steps)
    losses[generator.random(steps) < 0.2] = math.nan
    for start in range(100, steps, 500):
        losses[start : start + 20] = math.inf
    losses[-2:] = math.nan
    return tuple(losses.tolist())


_SHORT_RUNS: dict[str, tuple[int, tuple[float, ...]]] = {
    "NaN ends the history": (3, (3.0, 2.0, math.nan, 1.0, 0.5)),
    "NaN begins the history": (2, (math.nan, 3.0, 2.0, 1.0)),
    "the history is one NaN": (1, (math.nan, 2.0, 1.0)),
    "the history is empty": (0, (2.0, math.nan, 1.0)),
    "no value is finite": (2, (math.nan, math.inf, -math.inf, math.nan)),
    "NaN and infinity arrive": (1, (3.0, math.nan, math.inf, 2.0, -math.inf, 1.0, math.nan)),
    "one step": (1, (2.5,)),
    "no step": (0, ()),
    "huge and tiny": (2, (1e300, 5e-324, math.nan, sys.float_info.max, sys.float_info.max, 1e-300)),
}

CURVE_CASES = [
    *(
        CurveCase(f"{name}, smoothing {smoothing}", losses, history_steps, smoothing)
        for name, (history_steps, losses) in _SHORT_RUNS.items()
        for smoothing in (0.0, 0.5, 0.95, 0.99)
    ),
    CurveCase("rounding leads beyond the largest number", (sys.float_info.max,) * 5, history_steps=1, smoothing=0.09),
    *(
        CurveCase(f"{name}, smoothing {smoothing}", _long_run(steps), history_steps, smoothing, bucket_size)
        for smoothing in (0.0, 0.9)
        for name, steps, history_steps, bucket_size in (
            ("the server reduced the history", 6_000, 4_501, 3),
            ("the browser reduces", 4_100, 0, 2),
        )
    ),
]
