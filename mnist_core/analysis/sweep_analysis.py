"""What the trials of a sweep say about its settings: which of them matter, and where their good values are.

Both go by the order of the trials, not by their results: a few trials that diverge are so much worse than the rest that
they would decide alone what matters. A trial that was pruned has its place by the best it had reached.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.importance import MIN_RUNS, importance_of_columns
from mnist_core.analysis.importance_forest import ImportanceReport, Measure
from mnist_core.config import SETTINGS, choice_label
from mnist_core.records import Sweep, Trial, TrialRole, TrialStatus, Validation

GOOD_SHARE = 0.25
"""Share of the trials whose values are the good ones."""

MIN_GOOD = 3
"""Minimum number of these trials."""

STRAY_SHARE = 0.1
"""Share of the good trials that are left out at each end of a range, and that a value of a list must have."""

MAX_TRIALS = 600
"""Maximum number of trials that forests grow on: the latest, and those take half a second of a core."""

RESULT_NAMES = {"accuracy": "validation accuracy", "loss": "validation loss", "time": "time to the target"}
"""What the result of a trial is called in a sentence, by the objective of the sweep."""


@dataclass(frozen=True, slots=True)
class GoodRange:
    """Values of one setting that the best trials have."""

    name: str
    label: str
    text: str
    """For people, such as `0.025 to 0.16` or `32 or 64`."""
    narrowed: Any
    """A range or a list as `SweepSpec.from_json` reads it; one value if there is no other good one."""
    is_fixed: bool
    """Whether `narrowed` is one value."""


@dataclass(frozen=True, slots=True)
class SweepAnalysis:
    """What can be said after a number of trials."""

    trials: int
    """Number of trials that it rests on."""
    importance: ImportanceReport | None
    message: str
    """Why no importance is known, in one sentence or two; empty if it is."""
    good_ranges: tuple[GoodRange, ...]
    """In the order of the parameters; empty before `MIN_RUNS` trials have ended."""


def analyze_sweep(
    sweep: Sweep,
    trials: Sequence[Trial],
    validations: Mapping[int, Sequence[Validation]],
    measure: Measure | None = None,
) -> SweepAnalysis:
    """Return what the trials of a sweep say; `validations` has those of the pruned ones, by number of the trial."""
    objective = str(sweep.spec["objective"])
    is_maximized = objective == "accuracy"
    results = {trial.number: _result(objective, trial, validations.get(trial.number, ())) for trial in trials}
    judged = [trial for trial in trials if trial.role is TrialRole.SEARCH and results[trial.number] is not None]
    if len(judged) < MIN_RUNS:
        return SweepAnalysis(len(judged), None, f"What matters shows after {MIN_RUNS} trials.", ())
    places = _places([results[trial.number] or 0.0 for trial in judged], is_maximized)
    parameters: Mapping[str, Any] = sweep.spec["parameters"]
    good_ranges = _good_ranges(parameters, judged, places)
    latest, latest_places = judged[-MAX_TRIALS:], places[-MAX_TRIALS:]
    columns = {name: [trial.values[name] for trial in latest] for name in parameters}
    try:
        report = importance_of_columns(columns, latest_places, RESULT_NAMES[objective], measure)
    except CompareError as error:
        return SweepAnalysis(len(judged), None, str(error), good_ranges)
    return SweepAnalysis(len(judged), report, "", good_ranges)


def _result(objective: str, trial: Trial, validations: Sequence[Validation]) -> float | None:
    """Return the result of a trial, of a pruned one the best it had reached; None if nothing can be said of it."""
    if trial.status is TrialStatus.DIVERGED and objective == "time":
        return math.inf
    if trial.status in (TrialStatus.COMPLETED, TrialStatus.DIVERGED):
        return trial.value
    if trial.status is not TrialStatus.PRUNED:
        return None
    if objective == "accuracy":
        return max((item.accuracy for item in validations), default=0.0)
    if objective == "loss":
        return min((item.loss for item in validations if item.loss is not None), default=math.inf)
    return math.inf  # it did not come to the target


def _places(results: Sequence[float], is_maximized: bool) -> list[float]:
    """Return the place of each result, 0 for the best and 1 for the worst; equal results share the mean of theirs."""
    values = np.array(results) * (-1 if is_maximized else 1)
    _, index, counts = np.unique(values, return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts + 1) / 2
    places: list[float] = (middles[index] / (len(values) - 1)).tolist()
    return places


def _good_ranges(
    parameters: Mapping[str, Any], trials: Sequence[Trial], places: Sequence[float]
) -> tuple[GoodRange, ...]:
    """Return where the best quarter of the trials lie, of those that trained to their end, at most half of these.

    Where most trials are pruned, a quarter of all would be every trial that is left, good or bad. None lie anywhere if
    half of those that trained to their end are fewer than `MIN_GOOD`.
    """
    completed = [index for index, trial in enumerate(trials) if trial.status is TrialStatus.COMPLETED]
    if len(completed) // 2 < MIN_GOOD:
        return ()
    wanted = max(MIN_GOOD, math.ceil(GOOD_SHARE * len(trials)))
    best = sorted(completed, key=lambda index: places[index])[: min(wanted, len(completed) // 2)]
    return tuple(
        _good_range(name, parameter, [trials[index].values[name] for index in best])
        for name, parameter in parameters.items()
    )


def _good_range(name: str, parameter: Any, values: Sequence[Any]) -> GoodRange:
    label = SETTINGS[name].label
    if isinstance(parameter, Mapping):
        low, high = _middle(name, parameter, values)
        if low == high:
            return GoodRange(name, label, _format(name, low), low, True)
        narrowed = {"low": low, "high": high, "log": bool(parameter.get("log", False))}
        return GoodRange(name, label, f"{_format(name, low)} to {_format(name, high)}", narrowed, False)
    counts = Counter(values)
    good = [value for value in parameter if counts[value] >= max(1, STRAY_SHARE * len(values))]
    good = good or [value for value in parameter if counts[value]]  # of a long list, each may be rare
    words = [_format(name, value) for value in good]
    text = " or ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]
    return GoodRange(name, label, text, good if len(good) > 1 else good[0], len(good) == 1)


def _middle(name: str, parameter: Mapping[str, Any], values: Sequence[Any]) -> tuple[Any, Any]:
    """Return lowest and highest value without strays, rounded outward, within the range that was searched."""
    ordered = sorted(values)
    strays = math.floor(STRAY_SHARE * len(ordered))
    low, high = ordered[strays], ordered[-1 - strays]
    if SETTINGS[name].kind is int:
        return low, high
    return max(parameter["low"], _round(low, math.floor)), min(parameter["high"], _round(high, math.ceil))


def _round(value: float, to_whole: Any) -> float:
    """Round to two significant digits in one direction."""
    if value == 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    nearest = round(value / step)
    multiple = nearest if math.isclose(nearest * step, value, rel_tol=1e-9) else to_whole(value / step)
    return float(f"{multiple * step:.12g}")


def _format(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, float):
        return np.format_float_positional(float(f"{value:.4g}"), trim="-")
    return choice_label(name, str(value))
