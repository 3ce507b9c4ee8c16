"""Who leads a race, and whether the lead is more than noise.

Lanes are compared by validation, at the latest moment at which all of them were evaluated: after the same images.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from mnist_core.analysis.comparison.significance import ALPHA, mcnemar_test
from mnist_core.analysis.comparison.verdict import SMALLEST_IMAGES_P, format_p
from mnist_core.formatting import format_percent
from mnist_core.records import EvalMetrics, Run
from mnist_core.training.epoch_ends import EVALUATIONS_PER_EPOCH, epoch_ends

LEVEL = 0.001
"""Lanes are level if their validation accuracies differ by less: 0.1 points."""


class Evaluated(Protocol):
    """What is needed of an evaluation to say who is in front: `EvalMetrics`, or its head in the store."""

    @property
    def step(self) -> int: ...
    @property
    def epoch(self) -> int: ...
    @property
    def split(self) -> str: ...
    @property
    def accuracy(self) -> float: ...


Evaluation = TypeVar("Evaluation", bound=Evaluated)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment at which lanes of a race were evaluated, after the same images."""

    epochs: float
    """How many epochs they had trained."""
    steps: Mapping[int, int]
    """The step of each lane, by the id of its run. Lanes that ended before are left out."""
    accuracies: Mapping[int, float]
    """Validation accuracies, 0 to 1, by the id of the run."""
    leader: int
    """The run in front. Another one takes its place only when it is ahead by `LEVEL`: noise changes no lead."""

    @property
    def is_level(self) -> bool:
        """Whether nobody leads."""
        *_, second, first = sorted(self.accuracies.values())
        return _is_level(first - second)


@dataclass(frozen=True, slots=True)
class LaneResult:
    """A lane of a race, and its validation accuracy, 0 to 1, at the moment of a standing."""

    run: Run
    accuracy: float


@dataclass(frozen=True, slots=True)
class Standing:
    """The lanes of a race at one moment."""

    epochs: float
    """How many epochs they had trained."""
    lanes: tuple[LaneResult, ...]
    """At least two, the leader first. Lanes that ended before are left out."""
    p: float
    """The p-value of the exact McNemar test of the leader and the lane behind it, on the same validation images."""

    @property
    def lead(self) -> float:
        """Validation accuracy of the leader minus that of the lane behind it, 0 to 1."""
        return self.lanes[0].accuracy - self.lanes[1].accuracy

    @property
    def is_level(self) -> bool:
        """Whether nobody leads."""
        return _is_level(self.lead)

    @property
    def is_final(self) -> bool:
        """Whether all lanes have ended. Those that are left out have."""
        return all(lane.run.status.is_finished for lane in self.lanes)

    @property
    def is_real(self) -> bool:
        """Whether the lead is more than noise.

        The leader is whichever of the lanes is ahead, so the level is shared among those that could be behind it.
        Whoever looks again at each evaluation finds such leads more often by chance: the last one counts, so that
        `describe` says "so far" of others.
        """
        return not self.is_level and self.p < ALPHA / (len(self.lanes) - 1)

    def describe(self, names: dict[int, str]) -> str:
        """Return the standing in one sentence. `names` are those of the lanes, by the id of their run."""
        first, second = (names[lane.run.id] for lane in self.lanes[:2])
        after = f"after {self.epochs:g} epoch{'' if self.epochs == 1 else 's'}"
        if self.is_level:
            right = format_percent(self.lanes[0].accuracy)
            return f"{first} and {second} are level {after}: {right} of the validation images right."
        real = "is more than noise" if self.is_final else "so far is more than noise"
        noise = real if self.is_real else "may be noise"
        return (
            f"{first} leads {second} by {100 * self.lead:.2f} points of validation {after}, which {noise} "
            f"(p {format_p(self.p, SMALLEST_IMAGES_P)})."
        )


def list_moments(lanes: Sequence[tuple[Run, Sequence[Evaluated]]]) -> list[Moment]:
    """Return the moments of a race so far, in order. `lanes` are the runs with their evaluations."""
    by_moment = {run.id: _validations_by_moment(run, evaluations) for run, evaluations in lanes}
    moments: list[Moment] = []
    for number in sorted(_shared_moments([(run, by_moment[run.id].keys()) for run, _ in lanes])):
        present = {run_id: found[number] for run_id, found in by_moment.items() if number in found}
        accuracies = {run_id: evaluation.accuracy for run_id, evaluation in present.items()}
        best = max(accuracies, key=lambda run_id: accuracies[run_id])
        before = moments[-1].leader if moments else best
        is_ahead = before not in accuracies or not _is_level(accuracies[best] - accuracies[before])
        steps = {run_id: evaluation.step for run_id, evaluation in present.items()}
        moments.append(Moment(number / EVALUATIONS_PER_EPOCH, steps, accuracies, best if is_ahead else before))
    return moments


def find_standing(lanes: Sequence[tuple[Run, Sequence[EvalMetrics]]], labels: np.ndarray) -> Standing | None:
    """Return the standing of a race at its latest moment; None before two lanes have one in common.

    `lanes` are the runs with their evaluations in order, and `labels` (uint8) those of the validation images. The
    moment is the latest that all lanes which can train on have reached. Lanes that ended before it are left out.
    """
    by_moment = [(run, _validations_by_moment(run, evaluations)) for run, evaluations in lanes]
    shared = _shared_moments([(run, found.keys()) for run, found in by_moment])
    if not shared:
        return None
    moment = max(shared)
    present = [(run, found[moment]) for run, found in by_moment if moment in found]
    present.sort(key=lambda lane: -lane[1].accuracy)
    first, second = (evaluation.predictions == labels for _, evaluation in present[:2])
    p = mcnemar_test(int((first & ~second).sum()), int((second & ~first).sum()))
    results = tuple(LaneResult(run, evaluation.accuracy) for run, evaluation in present)
    return Standing(moment / EVALUATIONS_PER_EPOCH, results, p)


def _is_level(lead: float) -> bool:
    return round(lead, 9) < LEVEL


def _shared_moments(lanes: Sequence[tuple[Run, Set[int]]]) -> list[int]:
    """Return the moments that two lanes or more have in common, and all that can train on have reached."""
    moments = set().union(*(found for _, found in lanes))
    for _, found in (lane for lane in lanes if not lane[0].status.is_finished):
        moments &= found
    return [moment for moment in moments if sum(moment in found for _, found in lanes) > 1]


def _validations_by_moment(run: Run, evaluations: Sequence[Evaluation]) -> dict[int, Evaluation]:
    """Return the scheduled evaluations on validation by their number; those that somebody asked for are left out."""
    ends = [0, *epoch_ends(run.config, run.train_images, run.interventions)]
    found: dict[int, Evaluation] = {}
    for evaluation in evaluations:
        if evaluation.split != "validation" or evaluation.epoch >= len(ends):
            continue
        start, end = ends[evaluation.epoch - 1 : evaluation.epoch + 1]
        part = EVALUATIONS_PER_EPOCH * (evaluation.step - start) // max(end - start, 1)
        if part:  # else it came before the first scheduled one
            found.setdefault(EVALUATIONS_PER_EPOCH * (evaluation.epoch - 1) + part, evaluation)
    return found
