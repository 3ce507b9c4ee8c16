"""Which runs may be compared: same dataset, same test images, a final test result, groups that differ only in seed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from mnist_core.analysis.seed_groups import group_names, seed_group_key
from mnist_core.errors import MnistError
from mnist_core.records import EvalMetrics, Run
from mnist_core.store.queries import Queries


class CompareError(MnistError):
    """The runs cannot be compared, or there are too few of them."""


@dataclass(frozen=True, slots=True)
class Side:
    """A or B: one run, or several that differ only in seed."""

    name: str
    runs: tuple[Run, ...]
    tests: tuple[EvalMetrics, ...] = field(repr=False)
    """The last test evaluation of each run."""

    @property
    def quoted_name(self) -> str:
        """The name for use in a sentence: that of a group has a comma."""
        return self.name if len(self.runs) == 1 else f"“{self.name}”"

    @property
    def accuracy(self) -> float:
        """Mean test accuracy, 0 to 1."""
        return sum(test.accuracy for test in self.tests) / len(self.tests)

    def only(self, seeds: Collection[int]) -> Side:
        """Return the same side with the runs of these seeds only."""
        chosen = [pair for pair in zip(self.runs, self.tests, strict=True) if pair[0].config.seed in seeds]
        return replace(self, runs=tuple(run for run, _ in chosen), tests=tuple(test for _, test in chosen))


def load_side(queries: Queries, run_ids: Sequence[int]) -> Side:
    """Load the runs of one side and their tests.

    Raises `CompareError` without runs, if a run is damaged or has no final test result, or if the runs are not a group
    of seeds; `DamagedRunError` if the results of a run turn out to be damaged.
    """
    if not run_ids:
        raise CompareError("There is nothing to compare. Choose two runs, or two groups of seeds.")
    runs = tuple(queries.get_run(run_id) for run_id in run_ids)
    for run in runs:
        if run.damage:
            raise CompareError(f"{run.name} is damaged. {run.damage}")
    if len({seed_group_key(run) for run in runs}) > 1:
        names = ", ".join(run.name for run in runs)
        raise CompareError(f"{names} differ in more than their seed, so they are no group. Choose runs that do not.")
    if len({run.config.seed for run in runs}) < len(runs):
        raise CompareError(
            f"Two of {', '.join(run.name for run in runs)} have the same seed, so they are one measurement. "
            "Leave one of them out."
        )
    name = runs[0].name if len(runs) == 1 else next(iter(group_names(runs).values()))
    return Side(name, runs, tuple(_last_test(queries, run) for run in runs))


def name_groups(sides: Sequence[Side]) -> list[Side]:
    """Return the sides with each group of seeds called by what differs: `lr 0.02, 3 seeds`."""
    names = group_names(run for side in sides for run in side.runs)
    return [replace(side, name=names[seed_group_key(side.runs[0])]) if len(side.runs) > 1 else side for side in sides]


def _last_test(queries: Queries, run: Run) -> EvalMetrics:
    tests = [evaluation for evaluation in queries.list_evaluations(run.id) if evaluation.split == "test"]
    if not run.status.is_finished or not tests:
        raise CompareError(f"{run.name} is {run.status.word} and has no final test result. Choose a run that has one.")
    return tests[-1]


def is_repeat(a: Run, b: Run) -> bool:
    """Return whether two runs have the same settings and the same seed."""
    return a.config.seed == b.config.seed and seed_group_key(a) == seed_group_key(b)


def shared_test_labels(queries: Queries, runs: Sequence[Run]) -> np.ndarray:
    """Return the labels of the common test set, uint8, one per image. Raises `CompareError` if the test sets differ."""
    first = runs[0]
    for run in runs:
        if run.dataset != first.dataset:
            raise CompareError(
                f"{first.name} learned {first.dataset} and {run.name} {run.dataset}: accuracies on different datasets "
                "say nothing about which is better. Choose runs of one dataset."
            )
        if run.provenance is None:
            raise CompareError(
                f"{run.name} was recorded before runs kept which images they were tested on. Train it again."
            )
        if first.provenance and run.provenance.test_checksum != first.provenance.test_checksum:
            raise CompareError(
                f"{first.name} and {run.name} were tested on different images, although both sets are called "
                f"{run.dataset}. Choose runs with the same test set."
            )
    assert first.provenance
    labels = queries.test_labels(first.provenance.test_checksum)
    if labels is None:
        raise CompareError(f"The labels of the images that {first.name} was tested on are missing. Train it again.")
    return labels


def comparison_warnings(runs: Sequence[Run]) -> tuple[str, ...]:
    """Return warnings about what makes a comparison of these runs less fair, one or two sentences each."""
    warnings = []
    without_validation = [run.name for run in runs if run.config.validation_fraction == 0]
    if without_validation:
        warnings.append(
            f"{join_names(without_validation)} trained without validation images. Settings chosen by their results "
            "were chosen on the test images, so their test accuracy is too high. Set a validation fraction, and choose "
            "by validation accuracy."
        )
    ended_early = [run.name for run in runs if run.status != "completed"]
    if ended_early:
        warnings.append(f"{join_names(ended_early)} did not train to the end.")
    unverified = [run.name for run in runs if run.unverified]
    if unverified:
        warnings.append(
            f"The test results of {join_names(unverified)} were imported and are not verified. Train a run on "
            f"{runs[0].dataset} here: its labels check them."
        )
    if len({(run.train_images, run.validation_images) for run in runs}) > 1:
        warnings.append("They did not train on equally many images.")
    return tuple(warnings)


def join_names(names: Sequence[str]) -> str:
    """Return at least one name as a list in a sentence: `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
