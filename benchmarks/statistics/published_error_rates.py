"""Train on MNIST what others published error rates for, and print the test errors after every epoch.

    MNIST_DATA_DIR=... python -m benchmarks.statistics.published_error_rates [--only softmax,mlp] [--json FILE]

`tests/references/test_published_error_rates.py` compares the file that `--json` writes with the published rates.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.lib.measure import CLASSIC_SETTINGS, Figure, print_head, print_row, train_bare
from mnist_core.data.datasets import load_dataset
from mnist_core.presets import PRESETS
from mnist_core.system.machine import cores, processor_name, threads_per_trainer
from mnist_core.system.paths import data_dir

RUNS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "softmax": ({"model": "softmax", "epochs": 20}, (1, 2, 3)),
    "mlp": ({"model": "mlp", "epochs": 20, "momentum": 0.9}, (1, 2, 3)),
    "classic": ({"epochs": 14}, (1,)),
    "example": (PRESETS["PyTorch example"], (1,)),
    "example-first-epoch": (PRESETS["PyTorch example"] | {"epochs": 1}, tuple(range(1, 11))),
}
"""Settings that differ from those of the classic script, and seeds."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="NAME,...", help=f"runs to train, of {', '.join(RUNS)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write what was measured, and on what")
    options = parser.parse_args()
    names = options.only.split(",") if options.only else list(RUNS)
    if unknown := set(names) - set(RUNS):
        parser.error(f"no such run: {', '.join(sorted(unknown))}. Choose from {', '.join(RUNS)}")
    os.environ["MNIST_DATA_DIR"] = str(data_dir())

    dataset = load_dataset("mnist")
    test_images = len(dataset.test.labels)
    print_head()
    record: dict[str, Any] = {
        "machine": f"{cores()} cores of {processor_name()}, {platform.machine()}, {platform.system()}",
        "versions": {"python": platform.python_version(), "torch": version("torch")},
        "threads": threads_per_trainer(1),
        "dataset": dataset.name,
        "test_images": test_images,
        "runs": [],
    }
    for name in names:
        changes, seeds = RUNS[name]
        for seed in seeds:
            settings = CLASSIC_SETTINGS | changes | {"seed": seed}
            errors = [1 - accuracy for accuracy in train_bare(**settings).accuracies]
            wrong = [round(error * test_images) for error in errors]
            record["runs"].append({"name": name, "settings": settings, "wrong_test_images": wrong})
            epochs = " ".join(f"{100 * error:.2f}" for error in errors)
            print_row(
                Figure(f"{name}, seed {seed}, test error", f"{100 * errors[-1]:.2f} %", basis=f"epochs: {epochs}")
            )
    if options.json:
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
