"""Measure what a small last batch of an epoch does to the network just before it is evaluated, and what helps.

    python benchmarks/statistics/last_batch.py [--seeds 3] [--dataset mnist-5k]

The first table has the median and the lowest test accuracy at the ends of all epochs of all seeds, for each way of
treating the last batch. `before` is `keep`, evaluated one update earlier. MNIST-5k has 3,600 training images, so that
16 are left over at 32, 64, 128, 256 and 512 images a batch. The second table varies how much of a batch is left over.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path[0] = str(Path(__file__).resolve().parent.parent.parent)  # the root of the repository, as with `python -m`

from mnist_core.config import TrainConfig  # noqa: E402
from mnist_core.data.datasets import Dataset, load_dataset  # noqa: E402
from mnist_core.data.splits import split_validation  # noqa: E402
from mnist_core.presets import PRESETS  # noqa: E402
from mnist_core.system.paths import runs_dir  # noqa: E402
from mnist_core.training.batches import Images  # noqa: E402
from mnist_core.training.engine import evaluate, train  # noqa: E402
from mnist_core.training.train_state import TrainState  # noqa: E402

EPOCHS = 3
BASE = TrainConfig(epochs=EPOCHS, device="cpu")
SETTINGS = {
    "defaults": BASE,
    "lr 0.1": replace(BASE, lr=0.1),
    "lr 0.05, momentum 0.9": replace(BASE, lr=0.05, momentum=0.9),
    "batch 32, lr 0.03, momentum 0.9": replace(BASE, batch_size=32, lr=0.03, momentum=0.9),
    "Adam, lr 0.001": replace(BASE, optimizer="adam", lr=0.001),
    "Fast 99, constant rate": TrainConfig(
        **PRESETS["Fast 99"] | {"device": "cpu", "epochs": EPOCHS, "schedule": "constant", "lr": 0.1}
    ),
    "MLP, lr 0.1": replace(BASE, model="mlp", lr=0.1),
    "MLP, batch 256, lr 0.1, momentum 0.9": replace(BASE, model="mlp", batch_size=256, lr=0.1, momentum=0.9),
    "softmax, lr 0.1": replace(BASE, model="softmax", lr=0.1),
}
REST_SETTINGS = {
    "defaults": BASE,
    "MLP, lr 0.1": SETTINGS["MLP, lr 0.1"],
    "softmax, lr 0.1": SETTINGS["softmax, lr 0.1"],
}
REST_SIZES = (62, 64, 63, 70, 66, 67, 60)
"""Batch sizes with 4, 16, 9, 30, 36, 49 and no images left over of 3,600."""


def epoch_accuracies(config: TrainConfig, data: Dataset) -> Iterator[tuple[float, float]]:
    """Train, and yield the test accuracy before and after the last update of each epoch."""
    state = TrainState.initial(config)
    test = Images.on_device(data.test, state.device)
    images = len(split_validation(len(data.train), config.validation_fraction)[0])
    per_epoch = config.steps_left(images, config.batch_size)
    before, seen = 0.0, 0
    for _ in train(config, data, state=state):
        if state.step > seen and (state.step + 1) % per_epoch == 0:
            before = evaluate_accuracy(state, test)
        if state.step > seen and state.step % per_epoch == 0:
            yield before, evaluate_accuracy(state, test)
        seen = state.step


def evaluate_accuracy(state: TrainState, test: Images) -> float:
    _, confusion, *_ = evaluate(state.model, test)
    return float(np.trace(np.array(confusion)) / len(test))


def all_accuracies(config: TrainConfig, data: Dataset, seeds: int) -> np.ndarray:
    """Return the accuracies before and after the last update of every epoch, with every seed, (epochs * seeds, 2)."""
    return np.array(
        [pair for seed in range(1, seeds + 1) for pair in epoch_accuracies(replace(config, seed=seed), data)]
    )


def format_accuracies(accuracies: np.ndarray) -> str:
    return f"{100 * np.median(accuracies):.2f} ({100 * accuracies.min():.2f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--dataset", default="mnist-5k")
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_dataset(options.dataset, runs_dir=runs_dir())
    print(f"| {data.name}, test accuracy in % | before | keep | merge | drop |\n|---|---|---|---|---|")
    for name, config in SETTINGS.items():
        kept = all_accuracies(replace(config, last_batch="keep"), data, options.seeds)
        others = [
            all_accuracies(replace(config, last_batch=last_batch), data, options.seeds)[:, 1]
            for last_batch in ("merge", "drop")
        ]
        print(f"| {name} | {' | '.join(map(format_accuracies, [kept[:, 0], kept[:, 1], *others]))} |", flush=True)

    images = len(split_validation(len(data.train), BASE.validation_fraction)[0])
    shares = sorted(REST_SIZES, key=lambda size: images % size / size)
    print(
        "\n| points lost by the last batch, median (most) | "
        + " | ".join(f"{images % s} of {s}" for s in shares)
        + " |"
    )
    print("|---" * (len(shares) + 1) + "|")
    for name, config in REST_SETTINGS.items():
        cells = []
        for size in shares:
            kept = all_accuracies(replace(config, last_batch="keep", batch_size=size), data, options.seeds)
            lost = 100 * (kept[:, 0] - kept[:, 1])
            cells.append(f"{np.median(lost):.2f} ({lost.max():.2f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
