"""Optuna's part of a sweep: which values to try next, and whether a trial is worth going on with.

The study lives in memory. It is rebuilt from the trials in the store when a controller starts, so there is no second
database that could disagree. https://optuna.readthedocs.io/en/stable/tutorial/20_recipes/009_ask_and_tell.html
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import TrialState

from mnist_core.config import TrainConfig
from mnist_core.records import Sweep, Trial, TrialRole, TrialStatus, encode_json
from mnist_core.store import RunStore
from mnist_core.sweeps.progress import format_result
from mnist_core.sweeps.space import Parameter, Range, Values
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.running_trial import RunningTrial
from mnist_core.training.epoch_ends import EVALUATIONS_PER_EPOCH

optuna.logging.set_verbosity(optuna.logging.WARNING)

_STATES = {
    TrialStatus.RUNNING: TrialState.RUNNING,
    TrialStatus.COMPLETED: TrialState.COMPLETE,
    TrialStatus.PRUNED: TrialState.PRUNED,
    TrialStatus.DIVERGED: TrialState.COMPLETE,
    TrialStatus.FAILED: TrialState.FAIL,
    TrialStatus.STOPPED: TrialState.FAIL,
}
"""What Optuna learns from: a trial that diverged has the result of guessing, so that the samplers avoid its values."""


@dataclass(frozen=True)
class Proposal:
    """Values to try, and what the sampler noted about them."""

    values: Mapping[str, Any]
    sampler_state: Mapping[str, Any]


@dataclass(frozen=True)
class PastTrial:
    """A trial from the store, with what has been reported of it: values by index (see `Searcher.report`)."""

    trial: Trial
    reports: Mapping[int, float] = field(default_factory=dict)


def past_trials(store: RunStore, sweep: Sweep, spec: SweepSpec) -> list[PastTrial]:
    """Return the trials of a sweep in the store, with what a pruner compares if there is one."""
    trials = store.sweeps.list_trials(sweep.id)
    if spec.pruner == "none":
        return [PastTrial(trial) for trial in trials]
    runs = store.sweeps.list_runs(sweep.id)
    validations = store.sweeps.list_validations([run.id for run in runs])
    past = []
    for trial in trials:
        progress = RunningTrial(spec, trial)
        progress.runs = {run.config.seed: run for run in runs if run.trial == trial.number}
        progress.validations = {run.config.seed: validations[run.id] for run in progress.runs.values()}
        past.append(PastTrial(trial, progress.reports()))
    return past


class Searcher:
    """The study of a sweep. Not thread-safe."""

    def __init__(self, spec: SweepSpec, name: str, past: Sequence[PastTrial] = ()) -> None:
        self._spec = spec
        self._distributions = {parameter.name: _distribution(parameter) for parameter in spec.parameters}
        self._asked: optuna.trial.Trial | None = None
        self._numbers: dict[int, int] = {}
        """Optuna's number of each trial, by its number in the store."""
        self._grid = _grid_points(spec) if spec.sampler == "grid" else []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self._study = optuna.create_study(
                study_name=name,  # Hyperband derives the bracket of a trial from it
                direction="maximize" if spec.is_maximized else "minimize",
                sampler=_sampler(spec, seed=spec.first_seed + len(past)),
                pruner=_pruner(spec),
            )
        for trial in past:
            if trial.trial.role is TrialRole.SEARCH:
                self._add(trial)

    @property
    def trials(self) -> int:
        """Number of trials of the search that have started."""
        return len(self._numbers)

    def ask(self) -> Proposal | None:
        """Return the next values to try, None at the end of a grid; the same ones until `begin` says they are tried."""
        if self._asked:
            return self._proposal(self._asked)
        if self._spec.sampler == "grid":
            tried = [trial.params for trial in self._study.get_trials(deepcopy=False)]
            point = next((point for point in self._grid if point not in tried), None)
            if point is None:
                return None
            self._study.enqueue_trial(point)
        self._asked = self._study.ask(self._distributions)
        return self._proposal(self._asked)

    def begin(self, number: int) -> None:
        """Give the values of the latest `ask` the number of their trial in the store."""
        assert self._asked
        self._numbers[number] = self._asked.number
        self._asked = None

    def report(self, number: int, reports: Mapping[int, float]) -> None:
        """Report what the pruner compares of a trial in progress, by index from 1 on; only new ones are added.

        An index stands for an evaluation on validation of the first run of the trial, with the pruner wilcoxon for a
        finished run.
        """
        trial = optuna.trial.Trial(self._study, self._trial_id(number))
        known = self._frozen(number).intermediate_values
        for index, value in reports.items():
            if index not in known:
                trial.report(value, index)

    def should_prune(self, number: int) -> bool:
        """Whether a trial in progress is to be stopped, by its latest report."""
        return optuna.trial.Trial(self._study, self._trial_id(number)).should_prune()

    def why_pruned(self, number: int, steps: int) -> str:
        """Return in one sentence why a trial is to be stopped after so many steps."""
        reports = self._frozen(number).intermediate_values
        best = (max if self._spec.is_maximized else min)(reports.values())
        after = f"Pruned after {steps:,} steps"
        match self._spec.pruner:
            case "median":
                completed = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
                last = max(reports)
                others = [trial.intermediate_values[last] for trial in completed if last in trial.intermediate_values]
                median, own = (format_result(self._spec, value) for value in (statistics.median(others), best))
                return f"{after}: the median of the others was better, {median} against {own}."
            case "hyperband":
                latest = format_result(self._spec, reports[max(reports)])
                return f"{after}: with {latest} it was not among the best third of its bracket."
            case _:
                return f"Pruned after {len(reports)} seeds: they are worse than those of the best trial (p below 0.1)."

    def end(self, number: int, status: TrialStatus, value: float | None) -> Mapping[str, Any]:
        """Tell how a trial ended, once. Returns what sampler and pruner have noted about it."""
        state = _told_state(status, value)
        result = value if state is TrialState.COMPLETE else None
        self._study.tell(self._numbers[number], result, state=state, skip_if_finished=True)
        return self._state(self._numbers[number])

    def _add(self, past: PastTrial) -> None:
        """Add a trial from the store to the study."""
        state = _told_state(past.trial.status, past.trial.value)
        frozen = optuna.trial.create_trial(
            state=state,
            value=past.trial.value if state is TrialState.COMPLETE else None,
            params=dict(past.trial.values),
            distributions=self._distributions,
            intermediate_values=dict(past.reports),
            system_attrs=dict(past.trial.sampler_state),
        )
        self._study.add_trial(frozen)
        self._numbers[past.trial.number] = len(self._study.get_trials(deepcopy=False)) - 1

    def _frozen(self, number: int) -> optuna.trial.FrozenTrial:
        return self._study.get_trials(deepcopy=False)[self._numbers[number]]

    def _trial_id(self, number: int) -> int:
        return self._frozen(number)._trial_id

    def _proposal(self, asked: optuna.trial.Trial) -> Proposal:
        values = dict(asked.params)
        for parameter in self._spec.parameters:
            if isinstance(parameter, Range):
                values[parameter.name] = parameter.round(values[parameter.name])
        return Proposal(values, self._state(asked.number))

    def _state(self, optuna_number: int) -> dict[str, Any]:
        state: dict[str, Any] = json.loads(
            encode_json(self._study.get_trials(deepcopy=False)[optuna_number].system_attrs)
        )
        return state


def _told_state(status: TrialStatus, value: float | None) -> TrialState:
    state = _STATES[status]
    return TrialState.FAIL if state is TrialState.COMPLETE and value is None else state


def _distribution(parameter: Parameter) -> BaseDistribution:
    if isinstance(parameter, Values):
        return CategoricalDistribution(parameter.values)
    assert isinstance(parameter, Range)
    if parameter.is_whole:
        return IntDistribution(int(parameter.low), int(parameter.high), log=parameter.log)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _grid_points(spec: SweepSpec) -> list[dict[str, Any]]:
    """Return the points of the grid in a fixed random order, so that the first ones are spread over all of it."""
    names = [parameter.name for parameter in spec.parameters]
    points = [
        dict(zip(names, values, strict=True))
        for values in itertools.product(*(parameter.grid() for parameter in spec.parameters))
    ]
    random.Random(spec.first_seed).shuffle(points)
    return points


def _sampler(spec: SweepSpec, seed: int) -> BaseSampler:
    match spec.sampler:
        case "tpe":
            return TPESampler(seed=seed, multivariate=True)
        case "gp":
            return GPSampler(seed=seed)
        case "cmaes":
            return CmaEsSampler(seed=seed)
        case _:  # the points of a grid are enqueued
            return RandomSampler(seed=seed)


def _pruner(spec: SweepSpec) -> BasePruner:
    """Return the pruner. Its steps are evaluations, `EVALUATIONS_PER_EPOCH` of them in an epoch."""
    match spec.pruner:
        case "median":
            return MedianPruner(n_startup_trials=5, n_warmup_steps=1)
        case "hyperband":
            epochs = max(
                [*(max(parameter.extremes) for parameter in spec.parameters if parameter.name == "epochs")]
                or [spec.fixed.get("epochs", TrainConfig.epochs)]
            )
            return HyperbandPruner(min_resource=1, max_resource=epochs * EVALUATIONS_PER_EPOCH, reduction_factor=3)
        case "wilcoxon":
            return WilcoxonPruner()
        case _:
            return NopPruner()
