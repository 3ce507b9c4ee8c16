"""The verdict on a sweep: whether its winner is better than the baseline, tested with seeds that no trial used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.comparison.verdict import Verdict
from mnist_core.records import Run, Sweep, Trial, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.results import is_default, ranked


@dataclass(frozen=True)
class SweepVerdict:
    """The winner of a sweep, and how it did on the test images."""

    winner: Trial
    """The best trial of the search, chosen by validation alone."""
    runs: tuple[Run, ...]
    """The winner again, with fresh seeds and tested; empty if that has not happened."""
    baseline_runs: tuple[Run, ...]
    comparison: Verdict | None
    """None if the two cannot be compared; `sentence` says why."""
    sentence: str


def conclude(store: RunStore, sweep: Sweep) -> SweepVerdict | None:
    """Return the verdict on a sweep as it is now; None if no trial has a result."""
    spec, trials = SweepSpec.from_json(sweep.spec), store.sweeps.list_trials(sweep.id)
    best = ranked(spec, trials)
    if not best:
        return None
    winner = best[0]
    confirmed = [trial for trial in trials if trial.role is TrialRole.WINNER and trial.values == winner.values]
    runs = _runs(store, confirmed)
    baseline_runs = _runs(store, [trial for trial in trials if trial.role is TrialRole.BASELINE])
    if is_default(spec, winner.values):
        return SweepVerdict(winner, runs, (), None, "The best settings are the defaults.")
    if not runs or not baseline_runs:
        return SweepVerdict(winner, runs, baseline_runs, None, "Winner and defaults have not been tested.")
    try:
        comparison = compare_runs(store.queries, [run.id for run in runs], [run.id for run in baseline_runs])
    except CompareError as error:
        return SweepVerdict(winner, runs, baseline_runs, None, str(error))
    return SweepVerdict(winner, runs, baseline_runs, comparison, comparison.sentence)


def _runs(store: RunStore, trials: Sequence[Trial]) -> tuple[Run, ...]:
    """Return the runs of the latest of these trials, if it has completed."""
    if not trials or trials[-1].status is not TrialStatus.COMPLETED:
        return ()
    return tuple(store.sweeps.list_runs(trials[-1].sweep_id, [trials[-1].number]))
