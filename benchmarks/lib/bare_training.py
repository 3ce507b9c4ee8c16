"""Train with the engine alone, set up as the worker sets it up, without store, server or page. Prints times as JSON.

python -m benchmarks.lib.bare_training '{"epochs": 1}' [--threads 1] [--until 0.99]
"""

from __future__ import annotations

import argparse
import json
import time

import torch

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import load_dataset
from mnist_core.records import StepMetrics
from mnist_core.system.allocator import keep_freed_memory
from mnist_core.system.machine import threads_per_trainer
from mnist_core.training.engine import train


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", help="settings of TrainConfig, as JSON")
    parser.add_argument("--threads", type=int, default=0, help="0 for as many as a single trainer gets (default)")
    parser.add_argument("--until", type=float, default=1.0, help="stop when the test accuracy reaches this value")
    options = parser.parse_args()
    config = TrainConfig(**json.loads(options.config))

    began = time.perf_counter()
    keep_freed_memory()
    torch.set_num_threads(options.threads or threads_per_trainer(1))
    first_step_at = last_test_at = 0.0
    images = 0
    training_seconds = 0.0
    accuracies = []
    for event in train(config, load_dataset()):
        if isinstance(event, StepMetrics):
            first_step_at = first_step_at or time.perf_counter()
            batch_images = sum(map(sum, event.confusion))
            images += batch_images
            training_seconds += batch_images / event.examples_per_second
        elif event.split == "test":
            last_test_at = time.perf_counter()
            accuracies.append(event.accuracy)
            if event.accuracy >= options.until:
                break
    report = {
        "seconds": last_test_at - began,
        "training_seconds": training_seconds,
        "images_per_second": images / (last_test_at - first_step_at),
        "accuracies": accuracies,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main()
