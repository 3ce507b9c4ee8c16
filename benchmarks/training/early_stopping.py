"""Measure what early stopping costs a run that it does not end, in CPU time of this process.

    MNIST_DATA_DIR=... OMP_NUM_THREADS=1 python benchmarks/training/early_stopping.py [--rounds 5] [--models classic]

Runs with and without a patience take turns. Each trains one epoch through the code of a trainer, into a store in a
temporary folder. `keeping` is the share of the run's CPU time that copying the best state takes, `saving` that of
writing checkpoints, with and without patience. `difference` is that of two whole runs of a round; its range shows how
much runs differ anyway.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the root of the repository, as with `python -m`

from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints  # noqa: E402
from mnist_core.config import MODELS, TrainConfig  # noqa: E402
from mnist_core.store import RunStore  # noqa: E402
from mnist_core.system.processes import own_identity  # noqa: E402
from mnist_core.trainer.saver import CheckpointSaver  # noqa: E402
from mnist_core.trainer.worker import train_run  # noqa: E402
from mnist_core.training.train_state import TrainState  # noqa: E402


@dataclass(frozen=True)
class Cost:
    """CPU seconds of a run, of keeping its best state and of saving checkpoints, and the bytes of the last one."""

    run: float
    keeping: float
    saving: float
    checkpoint_bytes: int


class Stopwatch:
    """Sums the CPU time of a method over all its calls, while its patch is in place."""

    def __init__(self, stack: ExitStack, owner: type, name: str) -> None:
        self.seconds = 0.0
        original: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any) -> Any:
            started = time.process_time()
            try:
                return original(*arguments)
            finally:
                self.seconds += time.process_time() - started

        stack.enter_context(patch.object(owner, name, timed))


def train(store: RunStore, config: TrainConfig) -> Cost:
    """Train a run and return its cost."""
    run = store.commands.create_run(config, trainer=own_identity())
    with ExitStack() as stack:
        keeping = Stopwatch(stack, TrainState, TrainState.keep_best.__name__)
        saving = Stopwatch(stack, CheckpointSaver, CheckpointSaver.save.__name__)
        started = time.process_time()
        run = train_run(store, run)
        seconds = time.process_time() - started
    newest = list(list_checkpoints(checkpoints_dir(run)).values())[-1]
    return Cost(seconds, keeping.seconds, saving.seconds, newest.stat().st_size)


def describe(rounds: list[tuple[Cost, Cost]]) -> str:
    """Return the medians of rounds, each of a run with patience and one without."""
    keeping = statistics.median(100 * patient.keeping / patient.run for patient, _ in rounds)
    saving, usual = (
        statistics.median(100 * cost.saving / cost.run for cost in costs) for costs in zip(*rounds, strict=True)
    )
    differences = [100 * (patient.run / plain.run - 1) for patient, plain in rounds]
    sizes = [cost.checkpoint_bytes / 1e6 for cost in rounds[0]]
    return (
        f"{rounds[0][0].run:.1f} s, keeping {keeping:.2f} %, saving {saving:.2f} % instead of {usual:.2f} %, "
        f"checkpoints of {sizes[0]:.1f} MB instead of {sizes[1]:.1f} MB, "
        f"difference {statistics.median(differences):+.1f} % ({min(differences):+.1f} to {max(differences):+.1f})"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--models", default=",".join(MODELS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        store = RunStore.open(Path(folder))
        for model in options.models.split(","):
            plain = TrainConfig(model=model, epochs=1, device="cpu", skip_test=True)
            rounds = []
            for number in range(options.rounds):
                pair = [replace(plain, patience=100), plain]
                costs = [train(store, each) for each in (pair if number % 2 else reversed(pair))]
                first, second = costs if number % 2 else reversed(costs)
                rounds.append((first, second))
            print(f"{model}: {describe(rounds)}", flush=True)
        store.close()


if __name__ == "__main__":
    main()
