"""Which steps of a run get a snapshot: a few, evenly in log steps, since a network learns most in its first steps.

A step moves to the nearest evaluation if that is less than half the distance to the next snapshot away. What a page
shows of an evaluation can then be computed from the weights that were evaluated. The last step always gets a snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from mnist_core.config import TrainConfig
from mnist_core.training.epoch_ends import EVALUATIONS_PER_EPOCH

MAX_SNAPSHOTS = 12
"""Maximum number of snapshots of a run. Those of the classic network take 1.7 MB each."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a run is: what its next evaluations depend on, apart from its settings."""

    step: int
    epoch: int
    offset: int
    """Images of the epoch trained on so far."""
    batch_size: int


def evaluation_steps(config: TrainConfig, images: int, position: Position) -> list[int]:
    """Return the steps after `position` at which a run evaluates, ascending, if its batch size stays the same.

    `images` is the size of the training split. The last step is the last one of the run; empty if the run is there.
    """
    steps, start, offset = [], position.step, position.offset
    for _epoch in range(position.epoch, config.epochs + 1):
        end = start + config.steps_left(images - offset, position.batch_size)
        if config.validation_fraction:
            parts = range(1, EVALUATIONS_PER_EPOCH)
            missing = [part * images / EVALUATIONS_PER_EPOCH - offset for part in parts]
            steps += [min(start + ceil(count / position.batch_size), end) for count in missing if count > 0]
        steps.append(end)
        start, offset = end, 0
    return sorted({step for step in steps if step > position.step})


def next_snapshot(saved: Sequence[int], step: int, evaluations: Sequence[int]) -> int | None:
    """Return the step after `step` at which a run saves its next snapshot; None if there is none.

    `saved` are the steps of its snapshots so far, `evaluations` those of all its evaluations, past and to come. The
    last one is at the last step of the run. If the run has become longer meanwhile, the snapshots that are left are
    spread over the rest of it, so that there are never more than `MAX_SNAPSHOTS`.
    """
    left = MAX_SNAPSHOTS - len(saved)
    if left < 1 or not evaluations:
        return None
    latest = max(saved, default=step)
    planned = _spread(min(saved, default=step + 1), evaluations, MAX_SNAPSHOTS)
    if sum(planned_step > latest for planned_step in planned) > left:
        planned = _spread(latest, evaluations, left + 1)
    return min((planned_step for planned_step in planned if planned_step > max(step, latest)), default=None)


def _spread(first: int, evaluations: Sequence[int], count: int) -> set[int]:
    """Return at most `count` steps from `first` to the last evaluation, moved to evaluations that are near."""
    last = evaluations[-1]
    half_distance = (last / first) ** (0.5 / max(count - 1, 1))
    steps = np.geomspace(first, last, count)[:-1].tolist()
    return {last, *(_near_evaluation(step, half_distance, evaluations) for step in steps)}


def _near_evaluation(planned: float, half_distance: float, evaluations: Sequence[int]) -> int:
    """Return the nearest evaluation less than a factor of `half_distance` away, else the planned step itself."""
    factors = {step: max(step / planned, planned / step) for step in evaluations}
    nearest = min(factors, key=factors.__getitem__)
    return nearest if factors[nearest] < half_distance else round(planned)
