"""Measure what a small last batch of an epoch does to the network just before it is evaluated, and what helps.

    python benchmarks/statistics/last_batch.py [--seeds 5] [--dataset mnist-5k]

For each setting it prints the median and the lowest test accuracy over all epochs and seeds, with each way of treating
the last batch: `keep` trains on it, `merge` adds it to the batch before, `drop` leaves it out. `before` is `keep`,
evaluated one update earlier. MNIST-5k has 3,600 training images, so that 16 are left over at 32 to 512 images a batch.
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
from mnist_core.data.datasets import Dataset, load_dataset, split_validation  # noqa: E402
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
    "lr 0.1, momentum 0.9": replace(BASE, lr=0.1, momentum=0.9),
    "batch 32, lr 0.03, momentum 0.9": replace(BASE, batch_size=32, lr=0.03, momentum=0.9),
    "batch 256, lr 0.1, momentum 0.9": replace(BASE, batch_size=256, lr=0.1, momentum=0.9),
    "batch 512, lr 0.1, momentum 0.9": replace(BASE, batch_size=512, lr=0.1, momentum=0.9),
    "Fast 99": TrainConfig(**PRESETS["Fast 99"] | {"device": "cpu", "epochs": EPOCHS}),
    "Fast 99, constant": TrainConfig(
        **PRESETS["Fast 99"] | {"device": "cpu", "epochs": EPOCHS, "schedule": "constant"}
    ),
    "MLP, lr 0.1, momentum 0.9": replace(BASE, model="mlp", lr=0.1, momentum=0.9),
    "Adam, lr 0.003": replace(BASE, optimizer="adam", lr=0.003),
    "softmax, lr 0.1": replace(BASE, model="softmax", lr=0.1),
}


def epoch_accuracies(config: TrainConfig, data: Dataset, *, skip_last: bool = False) -> Iterator[float]:
    """Train, and yield the test accuracy at the end of each epoch; with `skip_last` before the last update of each."""
    state = TrainState.initial(config)
    test = Images.on_device(data.test, state.device)
    images = len(split_validation(len(data.train), config.validation_fraction)[0])
    per_epoch = config.steps_left(images, config.batch_size)
    seen = 0
    for _ in train(config, data, state=state):
        if state.step > seen and (state.step + skip_last) % per_epoch == 0:
            _, confusion, _ = evaluate(state.model, test)
            yield np.trace(np.array(confusion)) / len(test)
        seen = state.step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--dataset", default="mnist-5k")
    parser.add_argument("--validation-fraction", type=float, default=0.1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = load_dataset(options.dataset, runs_dir=runs_dir())
    print(f"| {data.name}, median (lowest) test accuracy | before | keep | merge | drop |\n|---|---|---|---|---|")
    for name, config in SETTINGS.items():
        cells = []
        for last_batch, skip_last in (("keep", True), ("keep", False), ("merge", False), ("drop", False)):
            accuracies: list[float] = []
            for seed in range(1, options.seeds + 1):
                fraction = options.validation_fraction
                seeded = replace(config, seed=seed, last_batch=last_batch, validation_fraction=fraction)
                accuracies += epoch_accuracies(seeded, data, skip_last=skip_last)
            cells.append(f"{100 * np.median(accuracies):.2f} ({100 * min(accuracies):.2f})")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
