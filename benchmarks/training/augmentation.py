"""Measure what augmentation costs, in CPU time of a training step: none, shift and affine in turns, in one process.

    OMP_NUM_THREADS=1 python benchmarks/training/augmentation.py [--rounds 10]

The images are noise: the time of a step does not depend on them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from mnist_core.config import AUGMENTATIONS, MODELS, TrainConfig  # noqa: E402
from mnist_core.data.datasets import Dataset  # noqa: E402
from mnist_core.data.splits import Split  # noqa: E402
from mnist_core.records import Adjustment, Event, StepMetrics  # noqa: E402
from mnist_core.training.engine import train  # noqa: E402

STEPS = 20
"""Number of steps of each kind in a round."""


def noise() -> Dataset:
    images = np.random.default_rng(1).integers(0, 256, (20_000, 28, 28), np.uint8)
    labels = np.arange(len(images), dtype=np.uint8) % 10
    return Dataset("noise", Split(images, labels), Split(images[:10], labels[:10]))


def step_milliseconds(events: Generator[Event, Adjustment | None, None]) -> float:
    """Return the CPU time of a step, as the mean over the next `STEPS`."""
    started, steps = time.process_time(), 0
    while steps < STEPS:
        steps += isinstance(next(events), StepMetrics)
    return (time.process_time() - started) / STEPS * 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    data = noise()
    for model in MODELS:
        runs = {
            kind: train(TrainConfig(model=model, augmentation=kind, max_shift=2 * (kind != "none"), epochs=50), data)
            for kind in AUGMENTATIONS
        }
        for events in runs.values():
            step_milliseconds(events)  # the first steps prepare memory and libraries
        rounds = [{kind: step_milliseconds(events) for kind, events in runs.items()} for _ in range(options.rounds)]
        medians = {kind: statistics.median(times[kind] for times in rounds) for kind in AUGMENTATIONS}
        costs = ", ".join(
            f"{kind} {100 * statistics.median(times[kind] / times['none'] - 1 for times in rounds):+.1f} %"
            for kind in AUGMENTATIONS
            if kind != "none"
        )
        print(f"{model}: {medians['none']:.2f} ms a step of {TrainConfig().batch_size} images, {costs}", flush=True)


if __name__ == "__main__":
    main()
