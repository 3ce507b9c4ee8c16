"""Estimate from recorded runs which settings a metric depends on: permutation importance (Breiman 2001, section 10).

A random forest predicts the metric from the settings. Each tree is grown on a bootstrap sample, and only the
combinations of settings outside of it ("out of bag") are predicted with it. Runs that differ only in seed are one
combination, so no tree sees a run whose seed twin it predicts.

The importance of a setting is half of the drop in R² when its values are shuffled among the combinations: half, because
a shuffled setting costs its variance twice, once as the variance that is no longer explained and once as the variance
of the wrong values (Jansen 1999). It counts what a setting does alone and in interactions, so that the importances
can add up to more than the settings explain. No shape is assumed.

Nothing is ranked unless the forest predicts better than each of `SHUFFLES` forests grown on shuffled results. Where the
settings make no difference, chance does that in at most 1 / (`SHUFFLES` + 1) = 5 % of all tables (Phipson and Smyth
2010); `benchmarks/statistics/importance_of_noise.py` confirms it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.seed_groups import t_quantile
from mnist_core.config import SETTINGS
from mnist_core.records import encode_json, json_value

TREES = 60
SHUFFLES = 19
"""Forests grown on shuffled results: the fewest for a test at the level of 5 %."""

REPEATS = 10
"""Number of times each setting is shuffled."""


@dataclass(frozen=True, slots=True)
class Importance:
    """Importance of one setting, or of several that always change together."""

    label: str
    share: float
    """Share of the differences that the forest fails to explain without the setting; at most what all explain."""
    low: float
    high: float
    """How far `share` varies between combinations of settings: about two standard errors for this forest.

    This is not a confidence interval of the true share: few runs teach the forest too little, so shares are too small.
    """

    @property
    def is_certain(self) -> bool:
        """Whether the range excludes 0."""
        return self.low > 0


@dataclass(frozen=True, slots=True)
class ImportanceReport:
    """Which settings a metric depends on."""

    explained: float
    """Share of the differences between the runs that the settings explain: R² on held-out combinations, 0 to 1."""
    importances: tuple[Importance, ...]
    """Largest first."""


Columns = tuple[tuple[str, tuple[Any, ...]], ...]
"""Names of settings, each with its values in the runs."""

Measure = Callable[[Columns, tuple[float, ...]], ImportanceReport | None]
"""`measure_importance`, or a function that runs it elsewhere."""


@dataclass(frozen=True, slots=True)
class _Combinations:
    """The different combinations of settings, one row each."""

    features: np.ndarray
    """float32, combinations x columns; a column for each number and for each word of the settings."""
    columns: dict[str, list[int]]
    """Columns of `features` by label of the setting, or of the settings that always change together."""
    values: np.ndarray
    """Mean metric of the runs of each combination."""
    counts: np.ndarray
    """Number of runs of each combination."""
    sum_of_squares: float
    """Squared differences of all runs from their mean."""
    squares_within: float
    """The part of it that lies within the combinations: no setting explains it."""


@lru_cache(maxsize=16)  # the page asks again at every click
def measure_importance(settings: Columns, values: tuple[float, ...]) -> ImportanceReport | None:
    """Return None if the settings explain nothing."""
    combinations = _collect_combinations(settings, np.array(values))
    random = np.random.default_rng(0)
    forest = _Forest(combinations.features, combinations.values, combinations.counts, random)
    losses = _squared_errors(forest.predict(combinations.features), combinations)
    if losses.sum() + combinations.squares_within >= combinations.sum_of_squares:
        return None
    for _ in range(SHUFFLES):
        order = random.permutation(len(combinations.values))
        shuffled, counts = combinations.values[order], combinations.counts[order]
        predictions = _Forest(combinations.features, shuffled, counts, random).predict(combinations.features)
        if (counts * (predictions - shuffled) ** 2).sum() <= losses.sum():
            return None
    explained = 1 - (losses.sum() + combinations.squares_within) / combinations.sum_of_squares
    importances = [
        Importance(
            label, *np.clip(_share_and_range(columns, forest, combinations, losses, random), 0, explained).tolist()
        )
        for label, columns in combinations.columns.items()
    ]
    return ImportanceReport(float(explained), tuple(sorted(importances, key=lambda importance: -importance.share)))


@lru_cache(maxsize=16)
def measure_in_process(settings: Columns, values: tuple[float, ...]) -> ImportanceReport | None:
    """Run `measure_importance` in a process that ends afterwards, because scikit-learn takes 140 MB of memory."""
    command = [sys.executable, "-m", __name__]
    request = encode_json([settings, values])
    process = subprocess.run(
        command, input=request, capture_output=True, text=True, cwd=Path(__file__).parents[2], check=False
    )
    if process.returncode:
        raise CompareError(f"The forests could not be grown: {process.stderr.strip().splitlines()[-1:]}. Try again.")
    report = json.loads(process.stdout)
    return report and ImportanceReport(
        report["explained"], tuple(Importance(**importance) for importance in report["importances"])
    )


def _main() -> None:
    """Read settings and values as JSON from standard input, and write the report to standard output."""
    settings, values = json.load(sys.stdin)
    report = measure_importance(tuple((name, tuple(column)) for name, column in settings), tuple(values))
    print(encode_json(report and json_value(report)))


def _share_and_range(
    columns: list[int], forest: _Forest, combinations: _Combinations, losses: np.ndarray, random: np.random.Generator
) -> tuple[float, float, float]:
    """Return the importance of the setting in these columns and how far it varies; chance can pass 0 and 1."""
    count = len(losses)
    shuffled = np.tile(combinations.features, (REPEATS, 1, 1))
    for repeat in shuffled:
        repeat[:, columns] = repeat[random.permutation(count)][:, columns]
    increases = _squared_errors(forest.predict(shuffled), combinations).mean(axis=0) - losses
    margin = t_quantile(count - 1) * increases.std(ddof=1) * count**0.5
    estimates = np.array([0, -margin, margin]) + increases.sum()
    share, low, high = (estimates / (2 * combinations.sum_of_squares)).tolist()
    return share, low, high


def _squared_errors(predictions: np.ndarray, combinations: _Combinations) -> np.ndarray:
    """Return the squared error of each combination, summed over its runs, without the differences within it."""
    errors: np.ndarray = combinations.counts * (predictions - combinations.values) ** 2
    return errors


def _collect_combinations(settings: Sequence[tuple[str, tuple[Any, ...]]], values: np.ndarray) -> _Combinations:
    rows = list(zip(*(column for _, column in settings), strict=True))
    distinct = list(dict.fromkeys(rows))
    index = np.array([distinct.index(row) for row in rows])
    counts = np.bincount(index)
    means = np.bincount(index, values) / counts
    columns: dict[tuple[int, ...], tuple[list[str], list[int]]] = {}
    features: list[np.ndarray] = []
    for name, column in zip((name for name, _ in settings), zip(*distinct, strict=True), strict=True):
        labels, places = columns.setdefault(_pattern(column), ([], []))
        labels.append(SETTINGS[name].label)
        encoded = _encode(column)
        places.extend(range(len(features), len(features) + len(encoded)))
        features.extend(encoded)
    return _Combinations(
        features=np.column_stack(features).astype(np.float32),
        columns={" + ".join(labels): places for labels, places in columns.values()},
        values=means,
        counts=counts,
        sum_of_squares=float(((values - values.mean()) ** 2).sum()),
        squares_within=float(((values - means[index]) ** 2).sum()),
    )


def _pattern(column: Sequence[Any]) -> tuple[int, ...]:
    """Return a pattern that is equal for settings that always change together, so that no data can tell them apart."""
    distinct = list(dict.fromkeys(column))
    if len(distinct) == len(column):  # no value comes back: only columns in the same order change together
        rising = sorted(distinct)
        distinct = rising if column.index(rising[0]) < column.index(rising[-1]) else rising[::-1]
    return tuple(distinct.index(value) for value in column)


def _encode(column: Sequence[Any]) -> list[np.ndarray]:
    """Return a column of numbers as it is, and a column of 0 and 1 for each word: words have no order."""
    if isinstance(column[0], str):
        return [np.array([value == word for value in column], float) for word in dict.fromkeys(column)]
    return [np.array(column, float)]


class _Forest:
    """Trees on bootstrap samples of combinations, each of which predicts only the combinations it has not seen."""

    def __init__(
        self, features: np.ndarray, values: np.ndarray, weights: np.ndarray, random: np.random.Generator
    ) -> None:
        from sklearn import config_context
        from sklearn.tree import DecisionTreeRegressor

        self._trees = []
        count = len(values)
        state = np.random.RandomState(int(random.integers(2**31)))  # one for all trees: a new one takes 0.2 ms
        with config_context(skip_parameter_validation=True, assume_finite=True):  # twice as fast on small tables
            for _ in range(TREES):
                drawn = np.bincount(random.integers(count, size=count), minlength=count)
                tree = DecisionTreeRegressor(random_state=state)
                tree.fit(features, values, sample_weight=drawn * weights, check_input=False)
                self._trees.append((tree, drawn == 0))

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the prediction of each combination. The shape of `features` is (..., combinations, columns)."""
        flat = features.reshape(-1, features.shape[-1])
        total, trees = np.zeros(features.shape[:-1]), np.zeros(features.shape[-2])
        for tree, is_unseen in self._trees:
            total += np.where(is_unseen, tree.predict(flat, check_input=False).reshape(total.shape), 0)
            trees += is_unseen
        predictions: np.ndarray = total / trees
        return predictions


if __name__ == "__main__":
    _main()
