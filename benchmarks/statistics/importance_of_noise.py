"""Rank the settings of simulated runs, and count how often noise is ranked and how often the setting that matters is.

    python benchmarks/statistics/importance_of_noise.py [--tables 400]

Every table is a random search over six settings. Where only the learning rate matters, the metric is linear in its
logarithm, which has the given share of the variance; the rest is noise.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.measure import print_machine  # noqa: E402
from mnist_core.analysis.importance_forest import ImportanceReport, measure_importance  # noqa: E402
from mnist_core.config import OPTIMIZERS  # noqa: E402

Results = Callable[[np.random.Generator, np.ndarray], np.ndarray]
"""Draws a metric for each run from its standardized logarithm of the learning rate."""

COLUMNS = ("ranked", "lr first", "noise > 0", "explained", "seconds")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=400, help="simulated tables per row")
    tables: int = parser.parse_args().tables
    print_machine()
    print(f"{tables:,} tables per row; shares in percent, standard error at 5 %: {100 * (0.0475 / tables) ** 0.5:.1f}")
    print("noise > 0: share of the settings without influence that look certain, among ranked tables")
    print(f"\n{'results':<34}{'runs':>6}{'seeds':>7}" + "".join(f"{column:>12}" for column in COLUMNS))
    for count, seeds in ((10, 1), (20, 1), (50, 1), (30, 3), (50, 5)):
        _print_row("nothing but noise", lambda random, lr: random.normal(size=len(lr)), count, seeds, tables)
    for count in (10, 20, 50):
        _print_row("noise, 15 % of the runs failed", _failures, count, 1, tables)
    for share in (0.5, 0.8, 0.96):
        for count in (10, 20, 50):
            _print_row(f"learning rate has {share:.0%}", _linear(share), count, 1, max(1, tables // 10))


def _failures(random: np.random.Generator, lr: np.ndarray) -> np.ndarray:
    return random.normal(size=len(lr)) - 20 * (random.random(len(lr)) < 0.15)


def _linear(share: float) -> Results:
    return lambda random, lr: share**0.5 * lr + (1 - share) ** 0.5 * random.normal(size=len(lr))


def _print_row(name: str, draw_results: Results, count: int, seeds: int, tables: int) -> None:
    random = np.random.default_rng(count + seeds)
    reports: list[ImportanceReport] = []
    began = time.perf_counter()
    for _ in range(tables):
        settings = _random_search(random, count // seeds)
        settings = {name: np.repeat(column, seeds) for name, column in settings.items()}
        values = draw_results(random, (np.log10(settings["lr"]) + 2) / 1.155)
        columns = tuple((name, tuple(column.tolist())) for name, column in settings.items())
        report = measure_importance(columns, tuple(values.tolist()))
        if report:
            reports.append(report)
    seconds = (time.perf_counter() - began) / tables
    others = [each.is_certain for report in reports for each in report.importances if each.label != "Learning rate"]
    cells = [
        f"{100 * len(reports) / tables:.1f}",
        f"{100 * np.mean([report.importances[0].label == 'Learning rate' for report in reports]):.0f}"
        if reports
        else "",
        f"{100 * np.mean(others):.1f}" if others else "",
        f"{100 * np.median([report.explained for report in reports]):.0f}" if reports else "",
        f"{seconds:.2f}",
    ]
    print(f"{name:<34}{count:>6}{seeds:>7}" + "".join(f"{cell:>12}" for cell in cells), flush=True)


def _random_search(random: np.random.Generator, count: int) -> dict[str, Any]:
    return {
        "lr": 10 ** random.uniform(-4, 0, count),
        "weight_decay": random.uniform(0, 0.1, count),
        "momentum": random.choice([0.1, 0.5, 0.9], count),
        "batch_size": random.choice([32, 64, 128, 256], count),
        "epochs": random.integers(1, 6, count),
        "optimizer": random.choice(list(OPTIMIZERS), count),
    }


if __name__ == "__main__":
    main()
