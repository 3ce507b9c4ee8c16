"""Compare the project's forest with Optuna's fANOVA and PED-ANOVA on the trials of searches, simulated and real.

    MNIST_DATA_DIR=… python benchmarks/statistics/importance_methods.py [--searches 20] [--shuffles 39]

Optuna's evaluators rank everything, so each gets the best test that fits it: results are shuffled, and a setting is
certain if its importance is higher than that of the most important setting in all but 5 % of the shuffled tables
(Westfall and Young 1993), after each setting's importances have been standardized. All methods see places, not results,
and fANOVA sees the logarithms of logarithmic settings: Optuna itself integrates over them linearly.

In simulated searches either nothing matters, or the learning rate has half of the variance, or the error is a valley of
the effective learning rate lr / (1 - momentum) with a cliff where training diverges. The real search trains the network
`mlp` on MNIST-5k with random settings; small searches are drawn from it.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import BaseImportanceEvaluator, FanovaImportanceEvaluator, PedAnovaImportanceEvaluator
from scipy.stats import rankdata

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.measure import print_machine  # noqa: E402
from mnist_core.analysis.importance_forest import measure_importance  # noqa: E402
from mnist_core.config import SETTINGS  # noqa: E402
from mnist_core.records import Trial, TrialRole  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.sweeps.control import sweep  # noqa: E402
from mnist_core.sweeps.space import Parameter, Range, Values  # noqa: E402
from mnist_core.sweeps.spec import SweepSpec  # noqa: E402

SPACE: dict[str, BaseDistribution] = {
    "lr": FloatDistribution(1e-4, 1.0, log=True),
    "momentum": FloatDistribution(0.01, 0.99),
    "batch_size": IntDistribution(16, 256, log=True),
    "weight_decay": FloatDistribution(1e-6, 1e-2, log=True),
    "optimizer": CategoricalDistribution(("sgd", "adam", "nesterov")),
}
LEVEL = 0.05
REAL_TRIALS = 150

Ranking = dict[str, tuple[float, bool]]
"""Importance of each setting, and whether it is certain."""


@dataclass(frozen=True)
class Table:
    """The trials of a search: their settings, and their place from 0 for the best to 1."""

    points: Sequence[Mapping[str, Any]]
    places: np.ndarray


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=20, help="searches per row")
    parser.add_argument("--shuffles", type=int, default=39, help="shuffled tables per search of Optuna's evaluators")
    parser.add_argument("--only", choices=["simulated", "real"])
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    methods: dict[str, Callable[[Table], Ranking]] = {
        "forest": rank_by_forest,
        "fANOVA": lambda table: rank_by_optuna(table, _fanova, arguments.shuffles),
        "PED-ANOVA": lambda table: rank_by_optuna(table, _ped_anova, arguments.shuffles),
    }
    print_machine()
    print(f"\n{'searches':<34}{'trials':>7}{'method':>12}{'ranked':>9}{'lr first':>10}{'other > 0':>11}{'seconds':>9}")
    tables = {} if arguments.only == "real" else simulated_tables(arguments.searches)
    if arguments.only != "simulated":
        tables |= real_tables(arguments.searches)
    for (name, decoys), searches in tables.items():
        for method, rank in methods.items():
            print_row(name, method, searches, rank, decoys)


def simulated_tables(searches: int) -> dict[tuple[str, tuple[str, ...]], list[Table]]:
    """Return searches by their name and the settings that make no difference in them."""
    objectives = {
        ("nothing but noise", tuple(SPACE)): lambda _, noise: noise,
        ("learning rate has half", ("momentum", "batch_size", "weight_decay", "optimizer")): _half,
        ("valley with a cliff", ("weight_decay", "optimizer")): _valley,
    }
    return {
        (f"{name}, {sampler}, {trials}", decoys): [
            simulate(objective, sampler, trials, seed) for seed in range(searches)
        ]
        for (name, decoys), objective in objectives.items()
        for sampler in ("random", "tpe")
        for trials in (12, 30)
    }


def simulate(objective: Callable[[Mapping[str, Any], float], float], sampler: str, trials: int, seed: int) -> Table:
    random = np.random.default_rng(seed)
    samplers = {"random": optuna.samplers.RandomSampler, "tpe": optuna.samplers.TPESampler}
    study = optuna.create_study(sampler=samplers[sampler](seed=seed))
    results = []
    for _ in range(trials):
        trial = study.ask(SPACE)
        results.append(objective(trial.params, random.normal()))
        study.tell(trial, results[-1])
    return Table([trial.params for trial in study.trials], places_of(results))


def real_tables(searches: int) -> dict[tuple[str, tuple[str, ...]], list[Table]]:
    """Train a random search, and draw small searches from it."""
    parameters: list[Parameter] = [
        Values(name, space.choices)
        if isinstance(space, CategoricalDistribution)
        else Range(name, space.low, space.high, space.log)
        for name, space in SPACE.items()
        if isinstance(space, FloatDistribution | IntDistribution | CategoricalDistribution)
    ]
    fixed = {"model": "mlp", "dataset": "mnist-5k", "epochs": 2}
    spec = SweepSpec(parameters=tuple(parameters), fixed=fixed, sampler="random", trials=REAL_TRIALS)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder  # where the processes of trials look
        store = RunStore.open(Path(folder))
        ended = {event.number: event for event in sweep(spec, store=store) if isinstance(event, Trial)}
        store.close()
    trials = [trial for trial in ended.values() if trial.role is TrialRole.SEARCH and trial.value is not None]
    whole = Table([trial.values for trial in trials], places_of([-(trial.value or 0) for trial in trials]))
    random = np.random.default_rng(0)
    drawn = [random.choice(len(trials), 30, replace=False) for _ in range(searches)]
    return {
        ("real", ()): [whole],
        ("drawn from the real one", ()): [
            Table([whole.points[index] for index in indices], places_of(whole.places[indices])) for indices in drawn
        ],
    }


def rank_by_forest(table: Table) -> Ranking:
    columns = tuple((name, tuple(point[name] for point in table.points)) for name in SPACE)
    report = measure_importance(columns, tuple(table.places.tolist()))
    if report is None:
        return dict.fromkeys(SPACE, (0.0, False))
    names = {SETTINGS[name].label: name for name in SPACE}
    return {names[item.label]: (item.share, item.is_certain) for item in report.importances}


def rank_by_optuna(table: Table, evaluator: Callable[[int], BaseImportanceEvaluator], shuffles: int) -> Ranking:
    """Return the importances beyond those of shuffled results; nothing is certain that chance explains."""
    space = {name: _linear(distribution) for name, distribution in SPACE.items()}
    study = optuna.create_study()
    study.add_trials(
        [optuna.trial.create_trial(value=0.0, params=_to_linear(point), distributions=space) for point in table.points]
    )
    random = np.random.default_rng(0)
    orders = [table.places, *(random.permutation(table.places) for _ in range(shuffles))]
    rows = []
    for places in orders:
        found = evaluator(len(places)).evaluate(study, [*space], target=partial(_place_of_trial, places))
        rows.append([found[name] for name in space])
    values = np.array(rows)
    standardized = (values - values.mean(0)) / (values.std(0) + 1e-12)
    chance = (standardized.max(1)[:, None] >= standardized[0]).mean(0)  # the observed table is one of them
    beyond = values[0] - values[1:].mean(0)
    is_ranked = chance.min() <= LEVEL
    return {
        name: (float(beyond[index]) if is_ranked else 0.0, bool(chance[index] <= LEVEL))
        for index, name in enumerate(space)
    }


def _place_of_trial(places: np.ndarray, trial: optuna.trial.FrozenTrial) -> float:
    return float(places[trial.number])


def print_row(
    name: str, method: str, tables: Sequence[Table], rank: Callable[[Table], Ranking], decoys: Sequence[str]
) -> None:
    began = time.perf_counter()
    rankings = [rank(table) for table in tables]
    seconds = (time.perf_counter() - began) / len(tables)
    ranked = [ranking for ranking in rankings if any(is_certain for _, is_certain in ranking.values())]
    first = [max(ranking, key=lambda setting: ranking[setting][0]) == "lr" for ranking in ranked]
    others = [ranking[decoy][1] for ranking in ranked for decoy in decoys]
    cells = [
        f"{len(ranked) / len(tables):.0%}".rjust(9),
        (f"{np.mean(first):.0%}" if first else "").rjust(10),
        (f"{np.mean(others):.0%}" if others else "").rjust(11),
        f"{seconds:.2f}".rjust(9),
    ]
    print(f"{name:<34}{len(tables[0].points):>7}{method:>12}" + "".join(cells), flush=True)


def places_of(results: Sequence[float] | np.ndarray) -> np.ndarray:
    places: np.ndarray = (rankdata(results) - 1) / (len(results) - 1)
    return places


def _half(values: Mapping[str, Any], noise: float) -> float:
    return float(0.5**0.5 * (-(math.log10(values["lr"]) + 2) / 1.155 + noise))


def _valley(values: Mapping[str, Any], noise: float) -> float:
    effective = math.log10(values["lr"] / (1 - values["momentum"])) - 0.3 * math.log10(values["batch_size"] / 64)
    return 0.05 + 0.03 * (effective + 1.2) ** 2 + (0.6 if effective > 0.5 else 0.0) + 0.005 * noise


def _fanova(trials: int) -> BaseImportanceEvaluator:
    return FanovaImportanceEvaluator(n_trees=32, seed=trials)


def _ped_anova(trials: int) -> BaseImportanceEvaluator:
    """The best quarter against all, and at least the five trials that Optuna asks for."""
    return PedAnovaImportanceEvaluator(target_quantile=min(0.5, max(0.25, 5 / trials)))


def _linear(distribution: BaseDistribution) -> BaseDistribution:
    if isinstance(distribution, FloatDistribution | IntDistribution) and distribution.log:
        return FloatDistribution(math.log(distribution.low), math.log(distribution.high))
    return distribution


def _to_linear(point: Mapping[str, Any]) -> dict[str, Any]:
    return {name: math.log(value) if getattr(SPACE[name], "log", False) else value for name, value in point.items()}


if __name__ == "__main__":
    main()
