"""Ranks the settings by how much a metric depends on them, or says why these runs cannot show it.

`importance_forest` has the method.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.importance_forest import ImportanceReport, Measure, measure_importance
from mnist_core.analysis.run_table import SETTING_NAMES, metric_value
from mnist_core.analysis.seed_groups import seed_group_key
from mnist_core.config import NOT_TUNED
from mnist_core.records import METRICS, Run

MIN_RUNS = 10
"""Minimum number of runs for an estimate."""

MIN_COMBINATIONS = 6
"""Minimum number of different combinations of settings among these runs."""

_one_at_a_time = threading.Lock()
"""Held while forests grow, which keeps all cores busy: others with the same runs then find the result in the cache."""


def setting_importance(runs: Sequence[Run], metric_name: str, measure: Measure | None = None) -> ImportanceReport:
    """Return how much of the metric the settings explain, and the importance of each setting in which the runs differ.

    Repeats of a run with the same seed count once. Raises `CompareError` for an unknown metric, too few runs or
    combinations of settings, several datasets, and if the settings do not explain more than chance would.
    """
    if metric_name not in METRICS:
        raise CompareError(f"There is no metric {metric_name!r}. Choose one of {', '.join(METRICS)}.")
    label = METRICS[metric_name].label.lower()
    measured = {
        (seed_group_key(run), run.config.seed): (run, value)
        for run in runs
        if (value := metric_value(run, metric_name)) is not None
    }
    if len(measured) < MIN_RUNS:
        raise CompareError(
            f"Importance takes at least {MIN_RUNS} different runs with a {label}, got {len(measured)}. Train more."
        )
    columns = _setting_columns([run for run, _ in measured.values()])
    return importance_of_columns(columns, [value for _, value in measured.values()], label, measure)


def importance_of_columns(
    columns: Mapping[str, Sequence[Any]], values: Sequence[float], label: str, measure: Measure | None = None
) -> ImportanceReport:
    """Return the importance of settings for results, from the values of each setting in the runs, by name.

    `label` names the results in a sentence. Raises `CompareError` for settings that do not differ, too few combinations
    of them, equal results, and if the settings do not explain more than chance would.
    """
    varied = {name: tuple(column) for name, column in columns.items() if len(set(column)) > 1}
    if not varied:
        raise CompareError("These runs differ in no setting but the seed. Choose runs with different settings.")
    if (count := len(set(zip(*varied.values(), strict=True)))) < MIN_COMBINATIONS:
        raise CompareError(
            f"Importance takes at least {MIN_COMBINATIONS} different combinations of settings, got {count}. Train runs "
            "with other settings; more seeds of the same settings do not help."
        )
    if len(set(values)) == 1:
        raise CompareError(f"All these runs have the same {label}: there is no difference to explain.")
    with _one_at_a_time:
        report = (measure or measure_importance)(tuple(varied.items()), tuple(values))
    if report is None:
        raise CompareError(
            f"Nothing is ranked: the settings of these runs do not predict the {label} better than chance. Either they "
            "matter little here, or the runs are too few to show it. Train runs with more and wider values of the "
            "settings, or choose another result."
        )
    return report


def _setting_columns(runs: Sequence[Run]) -> dict[str, list[Any]]:
    """Return the values of each setting that may be tuned. Raises `CompareError` for several datasets."""
    if len(datasets := sorted({run.dataset for run in runs})) > 1:
        raise CompareError(f"These runs learned different datasets: {', '.join(datasets)}. Choose runs of one.")
    return {name: [getattr(run.config, name) for run in runs] for name in SETTING_NAMES if name not in NOT_TUNED}
