"""Estimate from recorded runs which settings a metric depends on: permutation importance (Breiman 2001, section 10).

A random forest predicts the metric from the settings. The importance of a setting is how much worse the predictions get
when its values are shuffled among the runs. Like functional ANOVA over a forest, this captures interactions and assumes
no shape. Settings that always change together share their importance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.comparability import CompareError
from mnist_core.analysis.run_table import SETTING_NAMES, metric_value
from mnist_core.config import NOT_TUNED, SETTINGS
from mnist_core.records import METRICS, Run

MIN_RUNS = 10
"""Minimum number of runs for an estimate."""

TREES = 100
REPEATS = 20
"""Trees in the forest, and shuffles of each setting."""


@dataclass(frozen=True, slots=True)
class Importance:
    """Importance of one setting; the shares of all settings add up to 1."""

    name: str
    label: str
    share: float


def setting_importance(runs: Sequence[Run], metric_name: str) -> tuple[Importance, ...]:
    """Return the importance of each setting in which the runs differ, largest first.

    Raises `CompareError` for an unknown metric, too few runs, several datasets, or runs that differ only in seed.
    """
    if metric_name not in METRICS:
        raise CompareError(f"There is no metric {metric_name!r}. Choose one of {', '.join(METRICS)}.")
    measured = [(run, value) for run in runs if (value := metric_value(run, metric_name)) is not None]
    if len(measured) < MIN_RUNS:
        metric = METRICS[metric_name].label.lower()
        raise CompareError(
            f"Importance takes at least {MIN_RUNS} runs with a {metric}, got {len(measured)}. Train more."
        )
    if len(datasets := sorted({run.dataset for run, _ in measured})) > 1:
        raise CompareError(f"These runs learned different datasets: {', '.join(datasets)}. Choose runs of one.")
    names = [name for name in SETTING_NAMES if name not in NOT_TUNED]
    columns = {name: [getattr(run.config, name) for run, _ in measured] for name in names}
    varied = {name: values for name, values in columns.items() if len(set(values)) > 1}
    if not varied:
        raise CompareError("These runs differ in no setting but the seed. Choose runs with different settings.")
    features = np.column_stack([_as_numbers(values) for values in varied.values()])
    shares = _importance_shares(features, [value for _, value in measured])
    importances = [Importance(name, SETTINGS[name].label, share) for name, share in zip(varied, shares, strict=True)]
    return tuple(sorted(importances, key=lambda importance: -importance.share))


def _as_numbers(values: Sequence[object]) -> list[float]:
    """Return numbers unchanged, and words as ranks in the alphabet: a forest only uses the order."""
    if all(isinstance(value, int | float) for value in values):
        return [float(value) for value in values if isinstance(value, int | float)]
    ranks = {word: float(rank) for rank, word in enumerate(sorted({str(value) for value in values}))}
    return [ranks[str(value)] for value in values]


def _importance_shares(features: np.ndarray, targets: Sequence[float]) -> list[float]:
    """Return the share of each column of `features` (runs x settings); equal shares if none helps the prediction."""
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    forest = RandomForestRegressor(TREES, random_state=0).fit(features, targets)
    result = permutation_importance(forest, features, targets, n_repeats=REPEATS, random_state=0)
    importances = np.clip(result.importances_mean, 0, None)
    total = importances.sum()
    return (importances / total if total else np.full(len(importances), 1 / len(importances))).tolist()
