"""A trial in the form that browsers get: its result, how far it is, and its curve on validation."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from mnist_core.analysis.seed_groups import summarize
from mnist_core.config import SETTINGS
from mnist_core.records import Run, Trial, TrialRole, json_value, round_number
from mnist_core.sweeps.spec import FRESH_SEEDS, SweepSpec


@dataclass(frozen=True, slots=True)
class TrialRun:
    """What the live feed keeps of a run: a search may have thousands."""

    id: int
    name: str
    status: str
    step: int
    total_steps: int
    test_accuracy: float | None
    test_images: int
    is_deleted: bool

    @classmethod
    def from_run(cls, run: Run) -> Self:
        return cls(
            id=run.id,
            name=run.name,
            status=run.shown_status.value,
            step=run.progress.step,
            total_steps=run.total_steps,
            test_accuracy=run.results.test_accuracy,
            test_images=run.test_images,
            is_deleted=run.deleted_at is not None,
        )


def trial_to_json(
    spec: SweepSpec, trial: Trial, runs: Sequence[TrialRun], curves: Iterable[Mapping[int, float]]
) -> dict[str, Any]:
    """Return a trial, its runs, and the mean of their `curves`: the objective at each step, see `objective_value`."""
    curve = _mean_curve(curves)
    seeds = spec.seeds if trial.role is TrialRole.SEARCH else FRESH_SEEDS
    return {
        "number": trial.number,
        "role": trial.role.value,
        "status": trial.status.value,
        "values": json_value(_shown_values(spec, trial)),
        "value": None if trial.value is None else round_number(trial.value),
        "latest": curve[-1][1] if curve else None,
        "seeds": seeds,
        "step": sum(run.step for run in runs),
        "total_steps": seeds * max((run.total_steps for run in runs), default=0),
        "runs": [{"id": run.id, "name": run.name, "status": run.status} for run in runs if not run.is_deleted],
        "curve": curve,
        "test": _test_result(runs),
        "reason": trial.reason,
    }


def _shown_values(spec: SweepSpec, trial: Trial) -> dict[str, Any]:
    """Return the settings that tell a trial from others: for rivals of the winner, those in which they may differ."""
    searched = {parameter.name for parameter in spec.parameters}
    match trial.role:
        case TrialRole.BASELINE:
            return {name: SETTINGS[name].default for name in SETTINGS if name in searched}
        case TrialRole.COMPARED:
            values = spec.rival_values.items()
            return {name: value for name, value in values if name in searched or value != SETTINGS[name].default}
        case _:
            return dict(trial.values)


def objective_value(spec: SweepSpec, loss: float | None, accuracy: float) -> float:
    """Return what curves show of one evaluation: the loss if the search is by loss, else the accuracy.

    It is NaN for a loss that was no number.
    """
    if spec.objective != "loss":
        return accuracy
    return math.nan if loss is None else loss


def _mean_curve(curves: Iterable[Mapping[int, float]]) -> list[list[float | None]]:
    """Return pairs of a step and the mean of the seeds that have been evaluated there."""
    by_step: dict[int, list[float]] = {}
    for curve in curves:
        for step, value in curve.items():
            by_step.setdefault(step, []).append(value)
    return [[step, round_number(statistics.fmean(values))] for step, values in sorted(by_step.items())]


def _test_result(runs: Iterable[TrialRun]) -> dict[str, Any] | None:
    """Return mean and 95 % interval of the test accuracy over the seeds; None before any was tested."""
    tested = [(run.test_accuracy, run.test_images) for run in runs if run.test_accuracy is not None]
    if not tested:
        return None
    images = max(images for _, images in tested)
    summary = summarize([accuracy for accuracy, _ in tested], resolution=1 / images if images else 0.0)
    low, high = summary.low, summary.high
    return {
        "accuracy": summary.mean,
        "low": None if low is None else max(low, 0.0),
        "high": None if high is None else min(high, 1.0),
        "seeds": summary.count,
    }
