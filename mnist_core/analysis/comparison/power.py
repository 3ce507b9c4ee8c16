"""How many seeds would show a difference: the power of the t tests in `significance`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.comparison.significance import MIN_SEEDS, TTestResult
from mnist_core.analysis.seed_groups import t_quantile

POWER = 0.8
"""Probability with which the computed number of seeds detects the difference."""

MAX_SEEDS = 1000
"""Maximum number of seeds that a verdict recommends."""

SPREADS = 400
"""Number of spreads, equally likely given the measured one, over which the power is averaged."""


@dataclass(frozen=True, slots=True)
class SeedsNeeded:
    """Seeds of each side that detect a difference with the probability `POWER`; None if more than `MAX_SEEDS`."""

    count: int | None
    """Takes into account that few seeds measure their spread only roughly."""
    low: int | None
    high: int | None
    """If the true spread is at the ends of its own 80 % interval."""


def power(effects: float | np.ndarray, seeds: int, df_per_seed: float = 1.0) -> np.ndarray:
    """Return the probability that a two-sided t test at `ALPHA` detects each of `effects`.

    Uses the noncentral t distribution, as Cohen (1988) does. Effects are in standard deviations of the difference of
    two seeds, so the same formula holds for the paired test (`df_per_seed` 1) and for Welch's (see `TTestResult`).
    """
    from scipy.special import nctdtr

    df = df_per_seed * (seeds - 1)
    critical = t_quantile(df)
    noncentrality = np.abs(effects) * seeds**0.5
    # scipy returns NaN for some probabilities that are 0 or 1 to the last bit.
    missed = np.nan_to_num(nctdtr(df, noncentrality, critical), nan=0.0)
    not_reversed = np.nan_to_num(nctdtr(df, -noncentrality, critical), nan=1.0)
    detected: np.ndarray = 1 - missed + (1 - not_reversed)
    return detected


def seeds_needed(test: TTestResult) -> SeedsNeeded:
    """Return the number of seeds of each side that would detect the difference which `test` measured.

    Planning with the spread of a pilot as if it was exact is too optimistic: it is underestimated more often than not.
    `count` averages the power over the spreads that the pilot leaves possible (Julious & Owen 2006).
    """
    from scipy.special import chdtri

    def as_effects(probabilities: np.ndarray) -> np.ndarray:
        """Effects for true spreads, by their quantile: df x measured variance / true variance is chi-squared."""
        df = test.spread_df
        effects: np.ndarray = test.effect * np.sqrt(chdtri(df, 1 - probabilities) / df)
        return effects

    smallest, largest = as_effects(np.array([0.1, 0.9]))
    possible = as_effects((np.arange(SPREADS) + 0.5) / SPREADS)
    low, count, high = (fewest_seeds(effects, test.df_per_seed) for effects in (largest, possible, smallest))
    return SeedsNeeded(count, low, high)


def fewest_seeds(effects: float | np.ndarray, df_per_seed: float = 1.0) -> int | None:
    """Return the smallest number of seeds with enough power on average over `effects`; None above `MAX_SEEDS`."""

    def is_enough(seeds: int) -> bool:
        return bool(np.mean(power(effects, seeds, df_per_seed)) >= POWER)

    if not is_enough(MAX_SEEDS):
        return None
    too_few, enough = MIN_SEEDS - 1, MAX_SEEDS
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if is_enough(middle) else (middle, enough)
    return enough
