"""A search in the memory of the live feed: what has changed of it since it was last sent."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mnist_core.records import Run, Sweep, Trial, TrialRole, TrialStatus, Validation, encode_json
from mnist_core.store.change_feed import Evaluation
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.verdict import SweepVerdict
from mnist_dashboard.feed.sweeps.sweep_head import describe_sweep
from mnist_dashboard.feed.sweeps.trial_json import TrialRun, objective_value, trial_to_json


class WatchedSweep:
    """One search, its trials, their runs and their evaluations. Not thread-safe: the hub holds a lock."""

    def __init__(
        self,
        sweep: Sweep,
        trials: Iterable[Trial],
        runs: Iterable[Run],
        validations: Mapping[int, Sequence[Validation]],
    ) -> None:
        """`runs` are all runs of the search, `validations` what they reached on validation, by run."""
        self.sweep = sweep
        self.spec = SweepSpec.of(sweep)
        self.verdict: SweepVerdict | None = None
        """What the fresh seeds say of the winner, once they have been trained."""
        self.waits_for = ""
        """Why no trial starts now, in a sentence; empty while it searches."""
        self.trials = {trial.number: trial for trial in trials}
        self._runs: dict[int, dict[int, TrialRun]] = {}
        """By number of the trial, then by id."""
        self._trial_of: dict[int, int] = {}
        """Number of the trial that each run belongs to."""
        self._curves: dict[int, dict[int, float]] = {}
        """The objective at each evaluation, by run, then by step."""
        self._changed = set(self.trials)
        self._encoded: dict[int, str] = {}
        self._head: dict[str, Any] = {}
        self.add_runs(runs)
        for run_id, values in validations.items():
            for value in values:
                self._add_value(run_id, value.step, value.loss, value.accuracy)
        self.take_changes()

    @property
    def final_trials(self) -> list[Trial]:
        """The trials with fresh seeds."""
        return [trial for trial in self.trials.values() if trial.role is not TrialRole.SEARCH]

    @property
    def ended_until(self) -> int:
        """The largest number up to which all trials have ended: these never change again."""
        running = [number for number, trial in self.trials.items() if trial.status is TrialStatus.RUNNING]
        return min(running) - 1 if running else max(self.trials, default=0)

    def update(self, sweep: Sweep, trials: Iterable[Trial]) -> None:
        """Replace what the store says of the search and of these trials."""
        if sweep.spec != self.sweep.spec:  # a person has extended it
            self.spec = SweepSpec.of(sweep)
        self.sweep = sweep
        changed = {trial.number: trial for trial in trials if self.trials.get(trial.number) != trial}
        self.trials |= changed
        self._changed |= changed.keys()

    def add_runs(self, runs: Iterable[Run]) -> None:
        """Add those of these runs that belong to the search, or replace earlier readings of them."""
        for run in runs:
            if run.sweep_id == self.sweep.id and run.trial is not None:
                self._trial_of[run.id] = run.trial
                self._runs.setdefault(run.trial, {})[run.id] = TrialRun.from_run(run)
                self._changed.add(run.trial)

    def add_evaluations(self, evaluations: Iterable[Evaluation]) -> None:
        """Add those of these evaluations that are of its runs and on validation."""
        for evaluation in evaluations:
            row = evaluation.row
            if row.split == "validation" and evaluation.run_id in self._trial_of:
                self._add_value(evaluation.run_id, row.step, row.loss, row.accuracy)
                self._changed.add(self._trial_of[evaluation.run_id])

    def _add_value(self, run_id: int, step: int, loss: float | None, accuracy: float) -> None:
        value = objective_value(self.spec, loss, accuracy)
        if math.isfinite(value):
            self._curves.setdefault(run_id, {})[step] = value

    def take_changes(self) -> bytes | None:
        """Return the data of a `trials` event, with what has changed since the last call; None if nothing has."""
        changed = sorted(self._changed & self.trials.keys())
        self._changed -= self.trials.keys()  # a run may be read before its trial
        for number in changed:
            runs = list(self._runs.get(number, {}).values())
            curves = [self._curves.get(run.id, {}) for run in runs]
            values = trial_to_json(self.spec, self.trials[number], runs, curves)
            self._encoded[number] = encode_json(values, compact=True)
        head = describe_sweep(self.sweep, self.spec, list(self.trials.values()), self.verdict) | {
            "waits_for": self.waits_for
        }
        if not changed and head == self._head:
            return None
        self._head = head
        return self._encode(changed)

    def whole(self) -> bytes:
        """Return the data of a `sweep` event: everything as of the latest `take_changes`."""
        return self._encode(sorted(self._encoded))

    def _encode(self, numbers: Iterable[int]) -> bytes:
        trials = ",".join(self._encoded[number] for number in numbers)
        return f'{encode_json(self._head, compact=True)[:-1]},"trials":[{trials}]}}'.encode()
