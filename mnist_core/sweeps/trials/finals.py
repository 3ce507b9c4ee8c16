"""The trials after the search, with seeds that none has used: of its winner, and of the settings it has to beat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from mnist_core.records import Trial, TrialRole, TrialStatus
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.results import ranked

Final: TypeAlias = tuple[TrialRole, Mapping[str, Any]]
"""Role of a trial, and its values."""


def final_trials(spec: SweepSpec, winner: Mapping[str, Any]) -> list[Final]:
    """Return the trials that confirm these values: their own, then those of the settings that they are compared with.

    Settings that are the same as others are left out: nothing is compared with itself.
    """
    seed = spec.first_seed
    finals: list[Final] = [(TrialRole.WINNER, winner)]
    configs = [spec.winner_config(winner, seed)]
    if spec.baseline_config(seed) not in configs:
        finals.append((TrialRole.BASELINE, {}))
    configs.append(spec.baseline_config(seed))
    if spec.compare_with is not None and spec.compared_config(seed) not in configs:
        finals.append((TrialRole.COMPARED, spec.compare_with))
    return finals


def missing_finals(spec: SweepSpec, trials: Sequence[Trial]) -> list[Final]:
    """Return the trials that would confirm the best one by now and have not started; none without a result.

    Extended, a sweep may get another winner; the others are trained once. Those that failed or were stopped before it
    was extended are trained again.
    """
    best = ranked(spec, trials)
    latest = max((trial.number for trial in trials if trial.role is TrialRole.SEARCH), default=0)
    known = [
        (trial.role, trial.values)
        for trial in trials
        if trial.number > latest or trial.status not in (TrialStatus.STOPPED, TrialStatus.FAILED)
    ]
    return [final for final in final_trials(spec, best[0].values) if final not in known] if best else []
