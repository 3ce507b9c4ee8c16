"""Experiments for newcomers: three short runs that differ in one setting, and a sentence with the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mnist_core.analysis.comparison.comparability import CompareError, join_names, shared_test_labels
from mnist_core.analysis.comparison.significance import ALPHA, mcnemar_test
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.store.queries import Queries

GUESSING = 0.13
"""Test accuracies up to this may be guessing among ten digits: 10 %, and three standard errors of 1,000 images."""

MAX_REPETITIONS = 9
"""Number of times that the runs of an experiment get names of their own; later ones get default names."""


@dataclass(frozen=True)
class Experiment:
    """A question about one setting. Its runs have the same seed and differ in that setting only."""

    question: str
    setting: str
    values: tuple[float, ...]

    @property
    def label(self) -> str:
        """The name of the setting, for the middle of a sentence."""
        return SETTINGS[self.setting].sentence_label

    @property
    def tag(self) -> str:
        """The tag of its runs."""
        return f"Experiment: {self.label}"

    def configs(self) -> list[TrainConfig]:
        """Return the settings of its runs."""
        base = TrainConfig(dataset="mnist-5k", epochs=3)
        changes: list[dict[str, Any]] = [{self.setting: value} for value in self.values]
        return [replace(base, **change) for change in changes]


# Each has a clear answer on the 4,000 digits of MNIST-5k: 50, 95 and 10 % of the test images; 83, 90 and 95 %; and with
# larger batches fewer, since there are fewer updates.
EXPERIMENTS = (
    Experiment("What does the learning rate do?", "lr", (0.001, 0.03, 1.0)),
    Experiment("What does momentum do?", "momentum", (0.0, 0.5, 0.9)),
    Experiment("What does the batch size do?", "batch_size", (16, 64, 256)),
)


@dataclass(frozen=True)
class Result:
    """The result of one run of an experiment."""

    value: float
    correct: np.ndarray | None
    """Whether each test image was classified correctly, bool; None without a final test."""
    status: RunStatus

    @property
    def accuracy(self) -> float:
        """Share of the test images that were classified correctly; 0 without a final test."""
        return 0.0 if self.correct is None else float(self.correct.mean())


def start(store: RunStore, experiment: Experiment) -> list[Run]:
    """Queue the runs of an experiment, named by their values."""
    return [
        _create_run(store, experiment, config, f"{experiment.label} {value:g}")
        for config, value in zip(experiment.configs(), experiment.values, strict=True)
    ]


def find_experiment(runs: Sequence[Run]) -> Experiment | None:
    """Return the experiment that consists of exactly these runs, if there is one."""
    for experiment in EXPERIMENTS:
        planned = [asdict(config) for config in experiment.configs()]
        trained = [asdict(run.config) for run in runs if experiment.tag in run.tags]
        if len(runs) == len(trained) == len(planned) and all(config in trained for config in planned):
            return experiment
    return None


def load_results(queries: Queries, experiment: Experiment, runs: Sequence[Run]) -> list[Result]:
    """Return the results of an experiment's runs, in the order of its values."""
    results = []
    for run in runs:
        tests = [evaluation for evaluation in queries.list_evaluations(run.id) if evaluation.split == "test"]
        correct = None
        if tests and run.status.is_finished:
            try:
                correct = tests[-1].predictions == shared_test_labels(queries, [run])
            except CompareError:
                correct = None
        results.append(Result(getattr(run.config, experiment.setting), correct, run.status))
    return sorted(results, key=lambda result: result.value)


def conclude(experiment: Experiment, results: Sequence[Result]) -> str:
    """Return the result of an experiment in one sentence.

    The best run is compared with each of the others by the exact McNemar test on the same test images, each at half of
    `ALPHA`, so that chance alone makes a winner in at most one of twenty experiments.
    """
    ended = [result for result in results if result.status.is_finished]
    if len(ended) < len(results):
        return f"{len(ended)} of {len(results)} runs are over. What was seen follows when all are."
    tested = sorted((result for result in results if result.correct is not None), key=lambda result: -result.accuracy)
    if len(tested) < 2:
        return "Too few of these runs have a test result to compare them. Start the experiment again."
    best, *others = tested
    level = [other for other in others if _p_value(best, other) >= ALPHA / (len(results) - 1)]
    rest = _describe_rest(
        [other for other in others if other not in level], [result for result in results if result.correct is None]
    )
    digits = f"of {_image_count(best):,} unseen digits right".replace(",", "\u202f")
    label = experiment.label[0].upper() + experiment.label[1:]
    if level:
        alike = sorted([best, *level], key=lambda result: result.value)
        values, shares = (join_names([text(result) for result in alike]) for text in (_value, _percent))
        return f"{label} {values} cannot be told apart: {shares} {digits}, a difference that may be luck{rest}."
    return f"{label} {best.value:g} did best: {_percent(best)} {digits}{rest}; {_shape(results, best)}."


def _describe_rest(worse: Sequence[Result], untested: Sequence[Result]) -> str:
    """Return the accuracies of the other runs, and why some have none."""
    text = ""
    if worse:
        guessing = " (guessing)"
        shares = [
            f"{_percent(result)}{guessing if result.accuracy <= GUESSING else ''} with {_value(result)}"
            for result in worse
        ]
        text += f", against {join_names(shares)}"
    for result in untested:
        why = "the loss diverged" if result.status is RunStatus.DIVERGED else f"the run was {result.status.word}"
        text += f"; with {_value(result)} {why}"
    return text


def _shape(results: Sequence[Result], best: Result) -> str:
    """Say how the results change with the setting; there is one run of each value."""
    if best.value == results[-1].value:
        return "here, more was better, in one run of each"
    if best.value == results[0].value:
        return "here, less was better, in one run of each"
    return "both less and more did worse, in one run of each"


def _image_count(result: Result) -> int:
    return 0 if result.correct is None else len(result.correct)


def _value(result: Result) -> str:
    return f"{result.value:g}"


def _percent(result: Result) -> str:
    return f"{100 * result.accuracy:.1f}\u202f%"


def _p_value(a: Result, b: Result) -> float:
    assert a.correct is not None
    assert b.correct is not None
    return mcnemar_test(int((a.correct & ~b.correct).sum()), int((b.correct & ~a.correct).sum()))


def _create_run(store: RunStore, experiment: Experiment, config: TrainConfig, name: str) -> Run:
    """Queue a run under this name, with a number after it if it is taken."""
    numbered = (f"{name} ({number})" for number in range(2, MAX_REPETITIONS + 1))
    for candidate in (name, *numbered, ""):
        try:
            run = store.commands.create_run(config, candidate)
            break
        except ConfigError:  # the name is taken
            if not candidate:
                raise
    return store.commands.edit_run(run.id, tags=[experiment.tag])
