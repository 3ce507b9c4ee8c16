"""Measure what recording the norms of each layer costs, in CPU time of this process.

    MNIST_DATA_DIR=... OMP_NUM_THREADS=1 python benchmarks/training/layer_norms.py [--rounds 3] [--models classic]

Runs with and without norms take turns. Each trains one epoch through the code of a trainer, into a store in a temporary
folder. `norms` is the share of the run's CPU time that measuring takes. `difference` is that of two whole runs of a
round: it holds the writing, too, but its range shows how much runs differ anyway.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from mnist_core.config import MODELS, TrainConfig  # noqa: E402
from mnist_core.records import LayerNorms  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.system.processes import own_identity  # noqa: E402
from mnist_core.trainer import worker  # noqa: E402
from mnist_core.training.layer_norms import LayerNormMeter  # noqa: E402


class TimedMeter(LayerNormMeter):
    """A meter that sums the CPU time it takes, over all of its kind."""

    seconds = 0.0

    def measure(self, step: int) -> LayerNorms | None:
        started = time.process_time()
        norms = super().measure(step)
        TimedMeter.seconds += time.process_time() - started
        return norms


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a run, those of measuring its norms, and the number of steps at which they were recorded."""

    run_seconds: float
    norms_seconds: float
    records: int


def train(store: RunStore, config: TrainConfig) -> Cost:
    """Train a run and return its cost."""
    run = store.commands.create_run(config, trainer=own_identity())
    before, started = TimedMeter.seconds, time.process_time()
    worker.train_run(store, run)
    seconds = time.process_time() - started
    return Cost(seconds, TimedMeter.seconds - before, len(store.queries.list_layer_norms(run.id)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--models", default=",".join(MODELS))
    options = parser.parse_args()
    timed = patch.object(worker, LayerNormMeter.__name__, TimedMeter)
    with timed, tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        store = RunStore.open(Path(folder))
        for model in options.models.split(","):
            config = TrainConfig(model=model, epochs=1, device="cpu")
            rounds = []
            for number in range(options.rounds):
                pair = [config, replace(config, skip_norms=True)]
                costs = [train(store, each) for each in (pair if number % 2 else reversed(pair))]
                rounds.append(costs if number % 2 else costs[::-1])
            shares = [100 * with_norms.norms_seconds / with_norms.run_seconds for with_norms, _ in rounds]
            differences = [100 * (a.run_seconds / b.run_seconds - 1) for a, b in rounds]
            print(
                f"{model}: {rounds[0][0].run_seconds:.1f} s, norms at {rounds[0][0].records} steps, "
                f"norms {statistics.median(shares):.2f} %, difference {statistics.median(differences):+.1f} % "
                f"({min(differences):+.1f} to {max(differences):+.1f})",
                flush=True,
            )
        store.close()


if __name__ == "__main__":
    main()
