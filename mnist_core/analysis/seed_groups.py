"""Runs that differ only in their seed: which they are, and what they come to together."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

from mnist_core.analysis.run_table import METRICS, metric_value
from mnist_core.records import Run

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Summary:
    """One metric over several seeds."""

    count: int
    mean: float
    sd: float | None
    """Standard deviation of the sample (n - 1); None of a single run, as the interval is."""
    low: float | None
    high: float | None
    """The 95 % confidence interval of the mean, by Student's t distribution."""


@dataclass(frozen=True, slots=True)
class SeedGroup:
    """Runs that differ only in seed, oldest first; a run without a twin is a group by itself."""

    runs: tuple[Run, ...]
    metrics: dict[str, Summary]
    """Of the runs that have ended, each seed once; without those metrics that none of them has."""

    @property
    def name(self) -> str:
        more = len({run.config.seed for run in self.runs}) - 1
        return self.runs[0].name + (f" and {more} more {'seed' if more == 1 else 'seeds'}" if more else "")


def seed_group_key(run: Run) -> Hashable:
    """The same for runs that differ only in seed: same settings, changes on the way, dataset and beginning."""
    steered = tuple((one.step, one.field, one.new) for one in run.interventions or run.plan)
    beginning = run.parent_step and (run.parent_id, run.parent_step)
    settings = dataclasses.replace(run.config, seed=0, save_model=False)
    return settings, steered, run.dataset or run.config.dataset, beginning


def group_by_seed(runs: Iterable[Run]) -> list[SeedGroup]:
    """All runs in groups, in the order of the oldest run of each."""
    grouped: dict[Hashable, list[Run]] = {}
    for run in sorted(runs, key=lambda one: one.id):
        grouped.setdefault(seed_group_key(run), []).append(run)
    return [SeedGroup(tuple(group), _summaries(group)) for group in grouped.values()]


def unused_seeds(run: Run, others: Iterable[Run], count: int) -> list[int]:
    """The next `count` seeds that neither the run nor any of `others` like it was trained with."""
    key = seed_group_key(run)
    used = {run.config.seed} | {one.config.seed for one in others if seed_group_key(one) == key}
    return [seed for seed in range(1, len(used) + count + 1) if seed not in used][:count]


def summarize(values: Sequence[float]) -> Summary:
    """Mean, spread and interval of at least one value."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Summary(len(values), mean, None, None, None)
    sd = statistics.stdev(values)
    half = t_quantile(len(values) - 1) * sd / len(values) ** 0.5
    return Summary(len(values), mean, sd, mean - half, mean + half)


def t_quantile(degrees_of_freedom: int) -> float:
    """Half of a confidence interval of a mean, in standard errors: a quantile of Student's t distribution."""
    from scipy.special import stdtrit  # `scipy.stats` would take a second to import

    return float(stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))


def _summaries(runs: Sequence[Run]) -> dict[str, Summary]:
    """Of each seed the first run that ended: the same training once more, or imported, is no further measurement."""
    ended = [run for run in runs if run.status.is_finished] or runs
    of_seeds = {run.config.seed: run for run in reversed(ended)}.values()
    values = {name: [value for run in of_seeds if (value := metric_value(run, name)) is not None] for name in METRICS}
    return {name: summarize(found) for name, found in values.items() if found}
