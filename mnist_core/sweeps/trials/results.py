"""What the evaluations of a trial's run say: when it reached the target, its result, and what pruners compare."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mnist_core.records import Trial, TrialRole, TrialStatus, Validation
from mnist_core.sweeps.spec import SweepSpec

LATE = 10.0
"""A run that does not reach the target counts as ten times the time of its whole training, so that no success is worse.

This is the penalized average runtime PAR10 of algorithm configuration: Hutter et al., ParamILS, JAIR 36 (2009). The
whole training, not the part that took place, or those that diverge at once would be the quickest.
"""

GUESSED_ACCURACY = 0.1
GUESSED_LOSS = math.log(10)
"""What guessing among ten digits gives: the result of a run that diverged."""


def seconds_to_target(spec: SweepSpec, validations: Sequence[Validation]) -> float | None:
    """Return the training time after which a run reached the target of the sweep; None if it has not, or needs not."""
    if spec.target is None:
        return None
    target = spec.target
    return next((item.elapsed_seconds for item in validations if item.accuracy >= target), None)


def result(spec: SweepSpec, validations: Sequence[Validation], whole_seconds: float) -> float | None:
    """Return the objective of a run that has ended; None if it was never evaluated on validation.

    `whole_seconds` is the time of its whole training, estimated if it has ended early.
    """
    if not validations:
        return None
    if spec.objective == "time":
        seconds = seconds_to_target(spec, validations)
        return LATE * whole_seconds if seconds is None else seconds
    return (max if spec.is_maximized else min)(comparable_values(spec, validations))


def comparable_values(spec: SweepSpec, validations: Sequence[Validation]) -> list[float]:
    """Return the accuracy or the loss at each evaluation, which pruners compare; a loss that is no number is large."""
    if spec.objective != "loss":
        return [item.accuracy for item in validations]
    losses = [item.loss for item in validations]
    return [10 * GUESSED_LOSS if loss is None or not math.isfinite(loss) else loss for loss in losses]


def diverged_result(spec: SweepSpec, whole_seconds: float) -> float:
    """Return the objective of a run that diverged: that of guessing. See `result` for `whole_seconds`."""
    if spec.objective == "time":
        return LATE * max(whole_seconds, 1.0)
    return GUESSED_ACCURACY if spec.is_maximized else GUESSED_LOSS


def ranked(spec: SweepSpec, trials: Sequence[Trial]) -> list[Trial]:
    """Return the completed trials of the search, the best first; of equal ones the earlier is first.

    With the objective `time`, those that reached the target come before those that did not, whose `reason` says so.
    """
    completed = [trial for trial in trials if trial.role is TrialRole.SEARCH and trial.status is TrialStatus.COMPLETED]
    sign = -1 if spec.is_maximized else 1
    return sorted(completed, key=lambda trial: (bool(trial.reason), sign * (trial.value or 0.0), trial.number))
