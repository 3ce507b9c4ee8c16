"""Group runs that differ only in their seed, and summarize their metrics."""

from __future__ import annotations

import dataclasses
import statistics
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mnist_core.analysis.run_table import metric_value
from mnist_core.config import SETTINGS
from mnist_core.records import METRICS, Run

CONFIDENCE = 0.95
"""Level of the confidence intervals."""

ROUNDING_VARIANCE = 1 / 12
"""Variance of the error of rounding to whole numbers, which is uniform over one unit (Sheppard 1898)."""

NAMED_CHANGES = 2
"""Maximum number of changes during a run that the name of its group tells."""


_GROUP_SETTINGS = tuple(name for name in SETTINGS if name not in ("seed", "save_model", "skip_norms"))
"""Settings that runs of one group share."""


@dataclass(frozen=True, slots=True)
class Summary:
    """One metric over several seeds."""

    count: int
    mean: float
    sd: float | None
    """Standard deviation of the sample (n - 1); None for a single run, which has no interval either."""
    low: float | None
    high: float | None
    """The 95 % confidence interval of the mean, from Student's t distribution."""


@dataclass(frozen=True, slots=True)
class SeedGroup:
    """Runs that differ only in seed, oldest first; a group may have a single run."""

    runs: tuple[Run, ...]
    metrics: dict[str, Summary]
    """Summary of each metric that was measured, over the finished runs; each seed counts once."""


def seed_group_key(run: Run) -> Hashable:
    """Return a key that is equal for runs with the same settings, interventions, dataset and starting point."""
    interventions = tuple((change.step, change.field, change.new) for change in run.interventions or run.plan)
    starting_point = run.parent_step and (run.parent_id, run.parent_step)
    settings = tuple(getattr(run.config, name) for name in _GROUP_SETTINGS)
    return settings, interventions, run.dataset or run.config.dataset, starting_point


def group_by_seed(runs: Iterable[Run]) -> list[SeedGroup]:
    """Group all runs; groups are ordered by their oldest run."""
    groups: dict[Hashable, list[Run]] = {}
    for run in sorted(runs, key=lambda run: run.id):
        groups.setdefault(seed_group_key(run), []).append(run)
    return [SeedGroup(tuple(group), _summaries(group)) for group in groups.values()]


def group_names(runs: Iterable[Run]) -> dict[Hashable, str]:
    """Name the seed groups of these runs by what differs among them: `lr 0.02, 3 seeds`.

    The keys are those of `seed_group_key`. Groups of a single seed, which pages call by their run, do not count if
    there are at least two others. If there is only one group, it is called by its oldest run: `run-1, 3 seeds`. The
    browser names groups by the same rules, see `components/lib/runs/group_names.js`.
    """
    runs = sorted(runs, key=lambda run: run.id)
    groups: dict[Hashable, list[Run]] = {}
    for run in runs:
        groups.setdefault(seed_group_key(run), []).append(run)
    run_names = {run.id: run.name for run in runs}
    facts = {key: _facts(group[0], run_names) for key, group in groups.items()}
    seeds = {key: len({run.config.seed for run in group}) for key, group in groups.items()}
    several = [key for key, count in seeds.items() if count > 1]
    names = {}
    for key, group in groups.items():
        others = several if len(several) > 1 and key in several else groups
        parts = _differing([facts[other] for other in others], facts[key]) or [group[0].name]
        names[key] = ", ".join([*parts, f"{seeds[key]} seed{'' if seeds[key] == 1 else 's'}"])
    counts = Counter(names.values())
    return {key: name if counts[name] == 1 else f"{name} ({groups[key][0].name})" for key, name in names.items()}


def describe_differences(runs: Sequence[Run]) -> dict[int, str]:
    """Return what differs among these runs, by id: `lr 0.1, adam`; the run's name if nothing does."""
    run_names = {run.id: run.name for run in runs}
    facts = {run.id: _facts(run, run_names) for run in runs}
    return {run.id: ", ".join(_differing([*facts.values()], facts[run.id])) or run.name for run in runs}


def _differing(all_facts: Sequence[Mapping[str, str]], facts: Mapping[str, str]) -> list[str]:
    """Return those of `facts` that are not the same in all of `all_facts`."""
    names = [name for name in (*SETTINGS, "start", "changes") if name in facts]
    return [facts[name] for name in names if len({each[name] for each in all_facts}) > 1]


def _facts(run: Run, run_names: Mapping[int, str]) -> dict[str, str]:
    """Return what distinguishes the run's group from others, in words: settings, starting point, and changes."""
    facts = {
        name: setting.describe(getattr(run.config, name))
        for name, setting in SETTINGS.items()
        if name in _GROUP_SETTINGS and name != "dataset"
    }
    facts["dataset"] = run.dataset or run.config.dataset
    facts["start"] = "from new weights"
    if run.parent_id and run.parent_step:
        facts["start"] = f"from {run_names.get(run.parent_id, f'run {run.parent_id}')} at step {run.parent_step}"
    changes = [(change.field, change.new, change.step) for change in run.interventions or run.plan]
    texts = [f"{SETTINGS[field].describe(new)} after step {step}" for field, new, step in changes[:NAMED_CHANGES]]
    more = len(changes) - len(texts)
    facts["changes"] = ", ".join([*texts, *([f"{more} more"] if more > 0 else [])]) or "no changes"
    return facts


def unused_seeds(run: Run, others: Iterable[Run], count: int) -> list[int]:
    """Return the `count` smallest seeds that neither the run nor any of `others` in its group was trained with."""
    key = seed_group_key(run)
    used = {run.config.seed} | {other.config.seed for other in others if seed_group_key(other) == key}
    return [seed for seed in range(1, len(used) + count + 1) if seed not in used][:count]


def summarize(values: Sequence[float], resolution: float = 0.0) -> Summary:
    """Return mean, standard deviation and interval of at least one value.

    `resolution` is the unit to which the values are rounded, such as one image in an accuracy: seeds that agree by
    coincidence still get an interval.
    """
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Summary(len(values), mean, None, None, None)
    sd = statistics.stdev(values)
    at_least = ROUNDING_VARIANCE**0.5 * resolution
    half = t_quantile(len(values) - 1) * max(sd, at_least) / len(values) ** 0.5
    return Summary(len(values), mean, sd, mean - half, mean + half)


def t_quantile(degrees_of_freedom: float) -> float:
    """Return the quantile of Student's t distribution: half the width of a confidence interval in standard errors."""
    from scipy.special import stdtrit  # `scipy.stats` would take a second to import

    return float(stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))


def _summaries(runs: Sequence[Run]) -> dict[str, Summary]:
    """Summarize each metric over the first finished run of each seed.

    A repeated or imported run with the same seed is the same training and adds no measurement.
    """
    finished = [run for run in runs if run.status.is_finished] or runs
    one_per_seed = {run.config.seed: run for run in reversed(finished)}.values()
    summaries = {}
    for name, metric in METRICS.items():
        values = [value for run in one_per_seed if (value := metric_value(run, name)) is not None]
        if values:
            images = getattr(runs[0], metric.images) if metric.images else 0
            summary = summarize(values, resolution=1 / images if images else 0.0)
            summaries[name] = _within_shares(summary) if metric.unit == "share" else summary
    return summaries


def _within_shares(summary: Summary) -> Summary:
    """Cut the interval of a share to 0 and 1."""
    if summary.low is None or summary.high is None:
        return summary
    return dataclasses.replace(summary, low=max(summary.low, 0.0), high=min(summary.high, 1.0))
