"""Compare searches for good settings: TPE with Hyperband against random values without pruning, for the same time.

    MNIST_DATA_DIR=… python -m benchmarks.sweeps.search [--repeats 5] [--seconds 180] [--fraction 0.1] [--epochs 4]

Both search learning rate, momentum, batch size and weight decay of the classic network on a part of MNIST's training
images, two trials at once, and take turns. Each repeat has its own seed. A trial counts from its end on, with its best
validation accuracy; a pruned one does not count. Printed are:

- **best**: the best validation accuracy after the whole time, by method: mean and 95 % interval over the repeats,
  and the difference within repeats.
- **time to the target**: the time until the accuracy was reached that the random search ends with in its repeat, as a
  share of the time in which the random search reached it, and of the whole time, for a person does not know that the
  random search will find nothing better later. The whole time where it was not reached.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.lib.measure import print_machine
from mnist_core.analysis.seed_groups import summarize
from mnist_core.records import Trial, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec

METHODS: dict[str, dict[str, Any]] = {
    "tpe": {"sampler": "tpe", "pruner": "hyperband"},
    "random": {"sampler": "random", "pruner": "none"},
}

SPACE = (
    Range("lr", 0.0001, 1.0, log=True),
    Range("momentum", 0.0, 0.99),
    Range("batch_size", 16, 512, log=True),
    Range("weight_decay", 0.0, 0.05),
)

Curve = list[tuple[float, float]]
"""Seconds since the first trial started, and the best accuracy from then on."""


def search(spec: SweepSpec, seconds: float) -> tuple[Curve, int]:
    """Search for so long; return how the best accuracy grew, and the number of trials that ended."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        store = RunStore.open(Path(folder))
        sweep = control.create(store, spec)
        deadline = 0.0
        with closing(control.resume(store, sweep)) as events:
            for _event in events:
                deadline = deadline or time.monotonic() + seconds
                if time.monotonic() >= deadline:
                    break
        trials = [trial for trial in store.sweeps.list_trials(sweep.id) if trial.role is TrialRole.SEARCH]
        store.close()
    return best_over_time(trials, seconds)


def best_over_time(trials: Sequence[Trial], seconds: float) -> tuple[Curve, int]:
    """Return the steps of the best accuracy within the time, and the number of trials that ended in it."""
    began = min(trial.started_at.timestamp() for trial in trials if trial.started_at)
    ends = [(trial.finished_at.timestamp() - began, trial) for trial in trials if trial.finished_at]
    ended = sorted(((at, trial) for at, trial in ends if at <= seconds), key=lambda end: end[0])
    curve: Curve = []
    for at, trial in ended:
        is_result = trial.status is TrialStatus.COMPLETED and trial.value is not None
        if is_result and (not curve or (trial.value or 0) > curve[-1][1]):
            curve.append((at, trial.value or 0))
    return curve, len(ended)


def seconds_until(curve: Curve, target: float, limit: float) -> float:
    """Return when the best accuracy reached the target; the limit if it never did."""
    return next((at for at, accuracy in curve if accuracy >= target), limit)


def print_mean(name: str, values: Sequence[float], form: str) -> None:
    summary = summarize(values)
    interval = "" if summary.low is None else f"  ({form.format(summary.low)} to {form.format(summary.high)})"
    print(f"{name:44} {form.format(summary.mean)}{interval}")


def print_shares(name: str, shares: Sequence[float]) -> None:
    by_repeat = ", ".join(f"{share:.2f}" for share in shares)
    print(f"{name:44} {statistics.median(shares):.2f} (median; wanted 0.5); by repeat {by_repeat}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--fraction", type=float, default=0.1, help="share of MNIST's training images")
    parser.add_argument("--epochs", type=int, default=4)
    options = parser.parse_args()
    print_machine()
    curves: dict[str, list[Curve]] = {method: [] for method in METHODS}
    for repeat in range(options.repeats):
        for method in list(METHODS)[:: -1 if repeat % 2 else 1]:
            fixed = {"dataset": "mnist", "train_fraction": options.fraction, "epochs": options.epochs, "device": "cpu"}
            spec = SweepSpec(
                parameters=SPACE,
                fixed={**fixed, "seed": 100 * repeat + 1},
                trials=100_000,
                workers=2,
                **METHODS[method],
            )
            curve, ended = search(spec, options.seconds)
            curves[method].append(curve)
            best = curve[-1][1] if curve else 0.0
            print(f"repeat {repeat + 1}, {method}: {ended} trials, best {100 * best:.2f} %", file=sys.stderr)
    finals = {method: [curve[-1][1] if curve else 0.0 for curve in found] for method, found in curves.items()}
    print(f"{options.repeats} repeats of {options.seconds:.0f} s; mean (95 % interval)")
    for method, values in finals.items():
        print_mean(f"best, {method}", [100 * value for value in values], "{:.2f} %")
    differences = [100 * (a - b) for a, b in zip(finals["tpe"], finals["random"], strict=True)]
    print_mean("difference, in points", differences, "{:+.2f}")
    by_repeat = [
        [seconds_until(curves[method][index], target, options.seconds) for method in ("tpe", "random")]
        for index, target in enumerate(finals["random"])
    ]
    print_shares("time to what random found, share of its time", [tpe / found for tpe, found in by_repeat])
    print_shares("… share of the whole time", [tpe / options.seconds for tpe, _found in by_repeat])
    return 0


if __name__ == "__main__":
    sys.exit(main())
