"""A trial in progress: its runs, whether it has ended, and which of them still need a process."""

from __future__ import annotations

import statistics
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mnist_core.config import TrainConfig
from mnist_core.formatting import format_percent
from mnist_core.records import Run, RunStatus, Sweep, Trial, TrialRole, TrialStatus, Validation
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.processes import SWEEP_INTERRUPTED, TrialJob
from mnist_core.sweeps.trials.results import comparable_values, diverged_result, result, seconds_to_target
from mnist_core.trainer.shutdown import SERVER_CLOSED

MAX_KILLS = 2
"""Lost processes after which a trial fails. The first one may have been an accident, so its run is resumed."""

_ORDERLY = (SWEEP_INTERRUPTED, SERVER_CLOSED)
"""Reasons of runs that were interrupted in order: they are resumed, and their trial is not to blame."""


@dataclass(frozen=True)
class TrialEnd:
    """How a trial ended."""

    status: TrialStatus
    value: float | None = None
    reason: str = ""


class RunningTrial:
    """A trial in progress. `runs` and `validations`, both by seed, are what the store had at the latest look."""

    def __init__(self, spec: SweepSpec, trial: Trial) -> None:
        self.trial = trial
        self.runs: dict[int, Run] = {}
        self.validations: dict[int, Sequence[Validation]] = {}
        self._spec = spec
        self._lost_attempts: set[tuple[int, int]] = set()
        """Seed and attempt of the runs whose lost process has been counted."""

    @property
    def seeds(self) -> range:
        if self.trial.role is TrialRole.SEARCH:
            return range(self._spec.first_seed, self._spec.first_seed + self._spec.seeds)
        return self._spec.fresh_seeds

    @property
    def steps(self) -> int:
        """Steps of its first run until the latest evaluation that counts for a pruner."""
        validations = self.validations.get(self.seeds[0], ())
        return validations[-1].step if validations else 0

    def config(self, seed: int) -> TrainConfig:
        """Return the settings of one of its runs."""
        match self.trial.role:
            case TrialRole.SEARCH:
                return self._spec.config(self.trial.values, seed - self._spec.first_seed)
            case TrialRole.WINNER:
                return self._spec.winner_config(self.trial.values, seed)
            case TrialRole.BASELINE:
                return self._spec.baseline_config(seed)
            case TrialRole.COMPARED:
                return self._spec.compared_config(seed)

    def job(self, sweep: Sweep, seed: int) -> TrialJob:
        """Return the job that trains one of its runs."""
        what = "trial" if self.trial.role is TrialRole.SEARCH else self.trial.role
        name = f"{sweep.name} {what} {self.trial.number}" + (f" seed {seed}" if len(self.seeds) > 1 else "")
        return TrialJob(sweep.id, sweep.attempt, self.trial.number, name, self.config(seed))

    def waiting_seeds(self, busy: Collection[tuple[int, int]]) -> list[int]:
        """Return the seeds whose run needs a process and has none; `busy` has the trials and seeds that have one."""
        return [
            seed
            for seed in self.seeds
            if (self.trial.number, seed) not in busy and (seed not in self.runs or _is_waiting(self.runs[seed]))
        ]

    def note_lost_processes(self, launched: Collection[int], ended: Collection[int]) -> bool:
        """Whether a process was lost since the last call: killed, or gone before its run began.

        `launched` has the seeds that have a process now, `ended` those whose process has ended since the last call.
        """
        is_lost = any(seed not in self.runs for seed in ended)
        for seed, run in self.runs.items():
            attempt = (seed, run.attempt)
            is_interrupted = run.status is RunStatus.INTERRUPTED and run.reason not in _ORDERLY
            if is_interrupted and seed not in launched and attempt not in self._lost_attempts:
                self._lost_attempts.add(attempt)
                is_lost = True
        return is_lost

    def find_end(self) -> TrialEnd | None:
        """Return how the trial has ended, by its runs; None if it goes on."""
        for run in self.runs.values():
            if end := self._end_by(run):
                return end
        if self.trial.kills >= MAX_KILLS:
            reasons = [run.reason for run in self.runs.values() if run.status is RunStatus.INTERRUPTED]
            return TrialEnd(TrialStatus.FAILED, reason=(reasons or ["Its process ended before it began."])[-1])
        values = [self._result(seed) for seed in self.seeds]
        known = [value for value in values if value is not None]
        if len(known) < len(self.seeds):
            return None
        return TrialEnd(TrialStatus.COMPLETED, statistics.fmean(known), self._missed_target())

    def has_reached_target(self, seed: int) -> bool:
        """Whether the run with this seed needs to train no further."""
        is_searched = self.trial.role is TrialRole.SEARCH
        return is_searched and seconds_to_target(self._spec, self.validations.get(seed, ())) is not None

    def reports(self) -> Mapping[int, float]:
        """Return what the pruner compares, by index from 1 on; see `Searcher.report`."""
        if self._spec.pruner == "wilcoxon":
            results = {index: self._result(seed) for index, seed in enumerate(self.seeds, 1)}
            return {index: value for index, value in results.items() if value is not None}
        validations = self.validations.get(self.seeds[0], ())
        return dict(enumerate(comparable_values(self._spec, validations), 1))

    def _missed_target(self) -> str:
        """Return that the trial did not reach the target; empty if it did, or there is none."""
        if self._spec.target is None or self.trial.role is not TrialRole.SEARCH:
            return ""
        best = [max(item.accuracy for item in self.validations[seed]) for seed in self.seeds]
        target = self._spec.target
        return "" if min(best) >= target else f"It reached {format_percent(min(best))}, not {format_percent(target)}."

    def _end_by(self, run: Run) -> TrialEnd | None:
        """Return how one of its runs ends the trial; None if it does not."""
        if run.status is RunStatus.DIVERGED:
            value = diverged_result(self._spec, _whole_seconds(run))
            return TrialEnd(TrialStatus.DIVERGED, value, run.reason)
        if run.status is RunStatus.FAILED:
            return TrialEnd(TrialStatus.FAILED, reason=run.reason)
        is_stopped = run.status in (RunStatus.STOPPED, RunStatus.STOPPING)
        if (is_stopped and not self.has_reached_target(run.config.seed)) or run.deleted_at:
            return TrialEnd(TrialStatus.STOPPED, reason=f"{run.name} was stopped by a person.")
        return None

    def _result(self, seed: int) -> float | None:
        """Return the objective of one of its runs; None if it has not ended."""
        run, validations = self.runs.get(seed), self.validations.get(seed, ())
        if run is None or not (run.status is RunStatus.COMPLETED or self.has_reached_target(seed)):
            return None
        return result(self._spec, validations, _whole_seconds(run))


def _whole_seconds(run: Run) -> float:
    """Return the time that the whole training of a run takes, by its speed so far."""
    done = max(run.progress.step, 1)
    return run.progress.elapsed_seconds * max(run.total_steps, done) / done


def _is_waiting(run: Run) -> bool:
    return run.status in (RunStatus.INTERRUPTED, RunStatus.QUEUED)
