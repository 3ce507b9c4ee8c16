"""Which hyperparameters a metric depends on, estimated from the runs there are.

A random forest learns the metric from the settings; a setting is as important as the forest's predictions get worse
when its values are dealt out anew among the runs (Breiman 2001, section 10). Like functional ANOVA over a forest, it
sees interactions and assumes no shape. Settings that always changed together share the credit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.compare import CompareError
from mnist_core.analysis.run_table import METRICS, SETTING_NAMES, metric_value
from mnist_core.config import SETTINGS
from mnist_core.records import Run

MIN_RUNS = 10
TREES, REPEATS = 100, 20
NOT_TUNED = ("seed", "save_model", "dataset", "device", "test_batch_size")
"""Settings that are not to be tuned, or change no result."""


@dataclass(frozen=True, slots=True)
class Importance:
    """One setting's share in what can be explained; the shares of all add up to 1."""

    name: str
    label: str
    share: float


def setting_importance(runs: Sequence[Run], metric_name: str) -> tuple[Importance, ...]:
    """The settings in which the runs differ, most important first. Raises `CompareError` when that cannot be said."""
    if metric_name not in METRICS:
        raise CompareError(f"There is no metric {metric_name!r}. Choose one of {', '.join(METRICS)}.")
    known = [(run, value) for run in runs if (value := metric_value(run, metric_name)) is not None]
    if len(known) < MIN_RUNS:
        what = METRICS[metric_name].label.lower()
        raise CompareError(f"Importance takes at least {MIN_RUNS} runs with a {what}, got {len(known)}. Train more.")
    if len(datasets := sorted({run.dataset for run, _ in known})) > 1:
        raise CompareError(f"These runs learned different datasets: {', '.join(datasets)}. Choose runs of one.")
    columns = {name: [getattr(run.config, name) for run, _ in known] for name in SETTING_NAMES if name not in NOT_TUNED}
    varied = {name: values for name, values in columns.items() if len(set(values)) > 1}
    if not varied:
        raise CompareError("These runs differ in no setting but the seed. Choose runs with different settings.")
    shares = _shares(np.column_stack([_numbers(values) for values in varied.values()]), [value for _, value in known])
    found = [Importance(name, SETTINGS[name].label, share) for name, share in zip(varied, shares, strict=True)]
    return tuple(sorted(found, key=lambda one: -one.share))


def _numbers(values: Sequence[object]) -> list[float]:
    """Numbers as they are, words by their place in the alphabet: to a forest only the order matters."""
    if all(isinstance(value, int | float) for value in values):
        return [float(value) for value in values if isinstance(value, int | float)]
    places = {value: float(place) for place, value in enumerate(sorted({str(value) for value in values}))}
    return [places[str(value)] for value in values]


def _shares(settings: np.ndarray, metrics: Sequence[float]) -> list[float]:
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import permutation_importance

    forest = RandomForestRegressor(TREES, random_state=0).fit(settings, metrics)
    found = permutation_importance(forest, settings, metrics, n_repeats=REPEATS, random_state=0).importances_mean
    found = np.clip(found, 0, None)
    total = found.sum()
    return (found / total if total else np.full(len(found), 1 / len(found))).tolist()
