"""Simulate comparisons without a difference, and count how often a verdict names a winner all the same.

    MNIST_DATA_DIR=... python benchmarks/statistics/false_positives.py [--tables 4000] [--runs 60]

Prints shares in percent. `--runs` real softmax runs give one set of accuracies; 0 leaves them out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from benchmarks.lib.measure import classic_config, print_machine  # noqa: E402
from mnist_core.analysis.comparison.power import MAX_SEEDS, fewest_seeds, power, seeds_needed  # noqa: E402
from mnist_core.analysis.comparison.significance import (  # noqa: E402
    ALPHA,
    MIN_SEEDS,
    TTestResult,
    holm,
    mcnemar_test,
    paired_t_test,
    score_interval,
    welch_t_test,
)
from mnist_core.analysis.comparison.verdict import SMALLEST_SEEDS_P  # noqa: E402
from mnist_core.data.datasets import load_dataset  # noqa: E402
from mnist_core.training.engine import train  # noqa: E402

IMAGES = 10_000
"""Size of the test set of MNIST."""

SEEDS = (2, 3, 5, 10)
SPREADS = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
"""Standard deviations of one seed's result, in images."""

DISCORDANT = (0.5, 2, 5, 10, 20, 50, 100, 300)
"""Expected numbers of images that exactly one of two runs classifies correctly."""

TESTS = {"paired": paired_t_test, "Welch": welch_t_test}

DrawTable = Callable[[np.random.Generator, int], np.ndarray]
"""Draws the results of two sides without a difference: counts of images, 2 x n."""

UNEQUAL = ((3, 4), (3, 5), (3, 10), (5, 30), (10, 30))
"""Numbers of seeds of two sides."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=4000, help="simulated comparisons per cell")
    parser.add_argument("--runs", type=int, default=60, help="softmax runs for each of two learning rates")
    options = parser.parse_args()
    print_machine()
    error = 100 * (ALPHA * (1 - ALPHA) / options.tables) ** 0.5
    print(f"{options.tables:,} simulated tables per cell; shares in percent, standard error at 5 %: {error:.1f}")
    compare_equal_seeds(options.tables, options.runs)
    compare_unequal_sides(options.tables)
    compare_equal_runs(options.tables)
    compare_several_equal_groups(options.tables)
    plan_with_pilots(options.tables)


def compare_equal_seeds(tables: int, runs: int) -> None:
    print("\nSeeds without a difference: winners, in brackets p < 0.001. Two seeds never get a verdict.")
    print(f"{'results':<42}" + "".join(f"{f'{name}, n = {n}':>18}" for name in TESTS for n in SEEDS))
    for spread in SPREADS:

        def draw_rounded(generator: np.random.Generator, n: int, spread: float = spread) -> np.ndarray:
            return np.rint(generator.uniform(9000, 9900) + spread * generator.standard_normal((2, n)))

        _print_seed_row(f"normal, sd {spread:g} images", draw_rounded, tables)
    if runs:
        for lr in (0.01, 0.1):
            accuracies = softmax_counts(lr, runs)

            def draw_real(generator: np.random.Generator, n: int, pool: np.ndarray = accuracies) -> np.ndarray:
                return generator.choice(pool, (2, n), replace=False)

            name = f"softmax, lr {lr:g}: sd {accuracies.std(ddof=1):.1f} images"
            _print_seed_row(name, draw_real, tables)


def compare_unequal_sides(tables: int) -> None:
    print("\nWelch's test of sides of different size without a difference: winners, in brackets p < 0.001")
    print(f"{'spreads in images':<42}" + "".join(f"{f'{a} and {b}':>18}" for a, b in UNEQUAL))
    for spreads in ((5, 5), (20, 5), (5, 20)):
        cells = []
        for sizes in UNEQUAL:
            generator = np.random.default_rng(1)
            p = np.empty(tables)
            for table in range(tables):
                draws = (9800 + sd * generator.standard_normal(n) for sd, n in zip(spreads, sizes, strict=True))
                a, b = (np.rint(draw).tolist() for draw in draws)
                p[table] = welch_t_test(a, b, resolution=1).p
            cells.append(f"{100 * (p < ALPHA).mean():.1f} ({100 * (p < SMALLEST_SEEDS_P).mean():.2f})")
        print(f"{f'{spreads[0]} and {spreads[1]}':<42}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def _print_seed_row(name: str, draw: DrawTable, tables: int) -> None:
    cells = []
    for test in TESTS.values():
        for n in SEEDS:
            if n < MIN_SEEDS:
                cells.append("none")
                continue
            generator = np.random.default_rng(n)
            p = np.array([test(*draw(generator, n), resolution=1).p for _ in range(tables)])
            cells.append(f"{100 * (p < ALPHA).mean():.1f} ({100 * (p < SMALLEST_SEEDS_P).mean():.2f})")
    print(f"{name:<42}" + "".join(f"{cell:>18}" for cell in cells), flush=True)


def softmax_counts(lr: float, runs: int) -> np.ndarray:
    """Train softmax regression for one epoch with seeds from 1 on; returns correctly classified test images, int64."""
    dataset = load_dataset()
    counts = []
    for seed in range(1, runs + 1):
        *_, last = train(replace(classic_config(), model="softmax", lr=lr, seed=seed, batch_size=256), dataset)
        counts.append(round(last.accuracy * len(dataset.test)))
    return np.array(counts)


def compare_equal_runs(tables: int) -> None:
    """Draw the images that only A or only B classifies correctly; share of A 50 % is no difference."""
    shares = (0.5, 0.6, 0.8, 0.95, 1.0)
    print("\nTwo runs on the same images: coverage of the 95 % interval, and winners without a difference")
    print(
        f"{'images that one of them gets right':<42}"
        + "".join(f"{f'A {s:.0%}':>10}" for s in shares)
        + f"{'winners':>10}"
    )
    for expected in DISCORDANT:
        cells = []
        for share in shares:
            generator = np.random.default_rng(1)
            rates = [expected * share / IMAGES, expected * (1 - share) / IMAGES]
            draws = generator.multinomial(IMAGES, [*rates, 1 - sum(rates)], tables)
            outcomes, counts = np.unique(draws[:, :2], axis=0, return_counts=True)
            truth = rates[0] - rates[1]
            intervals = np.array([score_interval(int(a), int(b), IMAGES) for a, b in outcomes])
            covered = (intervals[:, 0] <= truth) & (truth <= intervals[:, 1])
            cells.append(100 * counts[covered].sum() / tables)
            if share == 0.5:
                significant = np.array([mcnemar_test(int(a), int(b)) < ALPHA for a, b in outcomes])
                winners = 100 * counts[significant].sum() / tables
        row = "".join(f"{cell:>10.1f}" for cell in [*cells, winners])
        print(f"{f'expected {expected:g} of {IMAGES:,}':<42}{row}", flush=True)


def compare_several_equal_groups(tables: int) -> None:
    print("\nSeveral equal groups of 5 seeds, sd 5 images: share of tables in which any pair has a winner")
    print(f"{'':<42}{'each p alone':>18}{'corrected (Holm)':>18}")
    for groups in (3, 5, 10):
        generator = np.random.default_rng(groups)
        alone = corrected = 0
        for _ in range(tables // 10):
            results = np.rint(9800 + 5 * generator.standard_normal((groups, 5)))
            p = [paired_t_test(a, b, resolution=1).p for a, b in combinations(results, 2)]
            alone += min(p) < ALPHA
            corrected += min(holm(p)) < ALPHA
        print(f"{f'{groups} groups':<42}{100 * alone / (tables // 10):>18.1f}{100 * corrected / (tables // 10):>18.1f}")


def plan_with_pilots(tables: int) -> None:
    """Recommend a number of seeds from a pilot whose spread is estimated; the power is that of the true spread."""
    print("\nReal power of the recommended number of seeds, if the pilot shows the true difference (aim 80)")
    print(f"{'pilot':<42}{'spread as measured':>22}{'recommended':>22}")
    for n in SEEDS[1:]:
        for effect in (0.5, 1.0, 2.0):
            generator = np.random.default_rng(n)
            naive, recommended = [], []
            for _ in range(tables // 10):
                sd = float(generator.standard_normal(n).std(ddof=1))
                pilot = TTestResult("Paired t test", 1.0, 0.0, 0.0, effect / sd, sd, n - 1, n - 1, 1.0)
                naive.append(_power(effect, fewest_seeds(pilot.effect)))
                recommended.append(_power(effect, seeds_needed(pilot).count))
            name = f"{n} seeds, difference {effect:g} sd"
            print(f"{name:<42}{100 * np.mean(naive):>22.0f}{100 * np.mean(recommended):>22.0f}", flush=True)


def _power(effect: float, seeds: int | None) -> float:
    return float(power(effect, seeds or MAX_SEEDS))


if __name__ == "__main__":
    main()
