"""Compare the zones of the learning-rate range test with 40 real runs, and time the test.

    python benchmarks/statistics/range_test.py            # ten combinations of settings, four rates each
    python benchmarks/statistics/range_test.py --seed 3   # other rates, and other seeds of the runs
    python benchmarks/statistics/range_test.py --large    # four combinations with batches larger than those of the test

None of the combinations is among those that the method was chosen on. The four rates are drawn from the four quarters
of the range from 0.003 to 1 on a logarithmic scale: lower ones are safe with nearly all settings. A real run trains for
300 batches as `train` would, and

- **diverges** if its loss stops being a number, or if the last 60 batches are no better than guessing (a mean loss
  above 2.0 nats; guessing has 2.3),
- is **risky** if it learns, but its loss jumps a nat above guessing, or ends at more than 1.5 times that of the best
  run with these settings,
- is **safe** otherwise.

The best run may be that at the suggested rate, which is trained, too. Needs `MNIST_DATA_DIR` with MNIST.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from mnist_core.config import SETTINGS, TrainConfig  # noqa: E402
from mnist_core.data.datasets import Dataset, load_dataset  # noqa: E402
from mnist_core.records import StepMetrics  # noqa: E402
from mnist_core.sweeps import range_test  # noqa: E402
from mnist_core.sweeps.range_test import find_rate_zones  # noqa: E402
from mnist_core.sweeps.rate_zones import DIVERGES, RISKY, SAFE, RateZones  # noqa: E402
from mnist_core.system.allocator import keep_freed_memory  # noqa: E402
from mnist_core.system.paths import runs_dir  # noqa: E402
from mnist_core.training.engine import train  # noqa: E402

COMBINATIONS: list[dict[str, Any]] = [
    {"model": "classic"},
    {"model": "classic", "optimizer": "adam", "batch_size": 128},
    {"model": "example", "batch_size": 16, "momentum": 0.9, "dataset": "mnist-5k"},
    {"model": "mlp", "momentum": 0.9},
    {"model": "mlp", "optimizer": "nesterov", "batch_size": 256, "momentum": 0.95},
    {"model": "mlp", "optimizer": "adam", "dataset": "mnist-5k"},
    {"model": "compact", "batch_size": 128},
    {"model": "compact", "optimizer": "nesterov", "momentum": 0.9, "dataset": "mnist-5k", "augmentation": "affine"},
    {"model": "softmax", "batch_size": 128, "momentum": 0.8},
    {"model": "softmax", "optimizer": "adadelta", "batch_size": 16},
]
LARGE_BATCHES: list[dict[str, Any]] = [
    {"model": "softmax", "batch_size": 1024},
    {"model": "mlp", "batch_size": 1024, "momentum": 0.9},
    {"model": "mlp", "batch_size": 512, "optimizer": "adam"},
    {"model": "compact", "batch_size": 512},
]
RATES, LOWEST_RATE = 4, 0.003
BATCHES = 300
GUESSING, NO_BETTER, JUMP, FACTOR = math.log(10), 2.0, 1.0, 1.5


def train_losses(config: TrainConfig, data: Dataset) -> np.ndarray:
    """Return the loss of each of the first `BATCHES` batches; fewer if one is no number."""
    losses: list[float] = []
    for event in train(replace(config, epochs=int(SETTINGS["epochs"].high)), data):
        if isinstance(event, StepMetrics):
            losses.append(event.loss)
            if len(losses) == BATCHES or not math.isfinite(event.loss):
                break
    return np.array(losses)


def end_loss(losses: np.ndarray) -> float:
    return float(losses[-BATCHES // 5 :].mean()) if np.isfinite(losses).all() else math.inf


def judge(losses: np.ndarray, best: float) -> str:
    """Return what a real run was, given the end loss of the best one."""
    end = end_loss(losses)
    if end > NO_BETTER and end > FACTOR * best:
        return DIVERGES
    return RISKY if losses.max() > GUESSING + JUMP or end > FACTOR * best else SAFE


def draw_rates(seed: int, config: TrainConfig) -> list[float]:
    """Draw a rate from each quarter of the range."""
    generator = random.Random(f"{seed} {config}")
    low, high = math.log10(LOWEST_RATE), math.log10(SETTINGS["lr"].high)
    width = (high - low) / RATES
    return [float(f"{10 ** (low + width * (quarter + generator.random())):.2g}") for quarter in range(RATES)]


def compare(config: TrainConfig, data: Dataset, seed: int) -> tuple[RateZones, list[tuple[str, str]], float]:
    """Test and train one combination, and print its row.

    Returns the zones, the zone and the outcome of each run, and the end loss at the suggested rate over the best.
    """
    zones = find_rate_zones(config, data)
    assert zones.suggested is not None, "each of these settings has a safe rate"
    runs = {rate: train_losses(replace(config, lr=rate, seed=seed), data) for rate in draw_rates(seed, config)}
    suggested = end_loss(train_losses(replace(config, lr=zones.suggested, seed=seed), data))
    best = min(suggested, *map(end_loss, runs.values()))
    # A rate below the best one may be slow, but is not too high.
    best_rate = min(runs, key=lambda rate: end_loss(runs[rate])) if suggested > best else zones.suggested
    outcomes = [
        (zones.zone(rate), judge(losses, end_loss(losses) if rate <= best_rate else best))
        for rate, losses in runs.items()
    ]
    name = ", ".join(f"{value}" for value in zones.settings.values() if value not in (0, 0.0, "none", "fp32"))
    found = ", ".join(
        f"{rate:g} {zone}" + ("" if zone == outcome else f" (was {outcome})")
        for rate, (zone, outcome) in zip(runs, outcomes, strict=True)
    )
    limits = f"{zones.safe_up_to:g} | {zones.diverges_above or math.inf:g} | {zones.suggested:g}"
    print(f"| {name} | {limits} | {len(zones.rates)} | {zones.seconds:.1f} | {found} |", flush=True)
    return zones, outcomes, suggested / best


def print_large_test(data: Dataset) -> None:
    """Time a test of large batches, as it is and with all their images."""
    config = TrainConfig(dataset="mnist", batch_size=1024)
    for size in (range_test.MAX_BATCH_SIZE, config.batch_size):
        range_test.MAX_BATCH_SIZE = size
        zones = find_rate_zones(config, data)
        limits = f"safe up to {zones.safe_up_to:g}, diverges above {zones.diverges_above or math.inf:g}"
        print(f"classic, batch size 1,024, {size} images a batch: {limits}, {zones.seconds:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=2, help="seed of the rates and of the real runs (default: 2)")
    parser.add_argument("--large", action="store_true", help="train with batches of 512 and 1,024 images")
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    datasets = {name: load_dataset(name, runs_dir=runs_dir()) for name in ("mnist", "mnist-5k")}
    if options.large:
        print_large_test(datasets["mnist"])
    print("| settings | safe up to | diverges above | suggested | batches | seconds | real runs |")
    print("|---|---|---|---|---|---|---|")
    counts: Counter[tuple[str, str]] = Counter()
    seconds: list[float] = []
    ratios: list[float] = []
    for combination in LARGE_BATCHES if options.large else COMBINATIONS:
        config = TrainConfig(**{"dataset": "mnist", **combination})
        zones, outcomes, ratio = compare(config, datasets[config.dataset], options.seed)
        counts.update(outcomes)
        seconds.append(zones.seconds)
        ratios.append(ratio)
    print()
    for zone in (SAFE, RISKY, DIVERGES):
        outcomes_of_zone = {outcome: counts[zone, outcome] for outcome in (SAFE, RISKY, DIVERGES)}
        print(
            f"{zone}: {outcomes_of_zone[zone]} of {sum(outcomes_of_zone.values())} real runs were; {outcomes_of_zone}"
        )
    suggested = f"{statistics.median(ratios):.2f}, {max(ratios):.2f} at most"
    print(f"loss at the suggested rate over the best of the five: {suggested}")
    print(f"seconds a test: {statistics.median(seconds):.1f}, {max(seconds):.1f} at most")


if __name__ == "__main__":
    main()
