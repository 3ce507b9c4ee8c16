"""Measure how much faster two workers search than one, and what the bookkeeping of a sweep costs.

    MNIST_DATA_DIR=… python -m benchmarks.sweeps.workers [--rounds 3] [--trials 40] [--model classic]

Sweeps over the learning rate with one and with two workers take turns; a ratio is that of one round. Each trains the
same trials of one epoch on MNIST-5k, one thread each. Timed is the search: from the start of its first trial to the end
of its last one, without the start of the processes, which takes about three seconds once.

- **trials a minute**, by workers, and their ratio; **trials an hour**: of two workers.
- **bookkeeping**: CPU time of controller and trial server, as a share of all CPU time, from the end of the first trial.
- **waiting**: share of the workers' time in which no run of theirs trained: forking, preparing, saving. More than one
  thread a core, as on a busy machine, makes it larger.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.lib.measure import print_machine
from mnist_core.records import Trial, TrialRole, TrialStatus
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.space import Range
from mnist_core.sweeps.spec import SweepSpec

WORKERS = (1, 2)


@dataclass(frozen=True)
class Search:
    """What one search took."""

    trials_a_minute: float
    bookkeeping: float
    waiting: float


def measure(spec: SweepSpec) -> Search:
    """Carry out the search of a sweep, without the runs that confirm its winner."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["MNIST_RUNS_DIR"] = folder
        store = RunStore.open(Path(folder))
        sweep = control.create(store, spec)
        trials: list[Trial] = []
        own = psutil.Process()
        readings: list[tuple[float, float]] = []
        with closing(control.resume(store, sweep)) as events:
            for event in events:
                if not isinstance(event, Trial) or event.role is not TrialRole.SEARCH:
                    break
                if event.status is not TrialStatus.RUNNING:
                    trials.append(event)
                    readings.append(_cpu_seconds(own))
        runs = [run for run in store.sweeps.list_runs(sweep.id) if run.trial in {trial.number for trial in trials}]
        store.close()
    bookkeeping, training = (last - first for first, last in zip(readings[0], readings[-1], strict=True))
    started = min(trial.started_at.timestamp() for trial in trials if trial.started_at)
    seconds = max(trial.finished_at.timestamp() for trial in trials if trial.finished_at) - started
    trained = sum(run.progress.elapsed_seconds for run in runs)
    return Search(
        60 * len(trials) / seconds, bookkeeping / (bookkeeping + training), 1 - trained / (spec.workers * seconds)
    )


def _cpu_seconds(controller: psutil.Process) -> tuple[float, float]:
    """Return the CPU time so far of the controller and its trial server, and of the trials that have ended."""
    times, servers = controller.cpu_times(), [child.cpu_times() for child in controller.children()]
    bookkeeping = times.user + times.system + sum(server.user + server.system for server in servers)
    return float(bookkeeping), float(sum(server.children_user + server.children_system for server in servers))


def print_row(name: str, values: Sequence[float], form: str, wanted: str = "") -> None:
    low, high = form.format(min(values)), form.format(max(values))
    print(f"{name:34} {form.format(statistics.median(values)):>10}  {wanted:>8}  {low} to {high}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--model", default="classic")
    options = parser.parse_args()
    fixed = {"dataset": "mnist-5k", "model": options.model, "epochs": 1, "device": "cpu"}
    lr = Range("lr", 0.005, 0.05, log=True)
    rounds: list[dict[int, Search]] = []
    print_machine()
    for number in range(options.rounds):
        rounds.append({})
        for workers in WORKERS[:: -1 if number % 2 else 1]:
            spec = SweepSpec(parameters=(lr,), fixed=fixed, trials=options.trials, workers=workers, sampler="random")
            rounds[-1][workers] = measure(spec)
            print(f"round {number + 1}, {workers} workers: {rounds[-1][workers]}", file=sys.stderr)
    print(f"{'median of ' + str(options.rounds) + ' rounds':34} {'measured':>10}  {'wanted':>8}  least to most")
    for workers in WORKERS:
        print_row(f"trials a minute, {workers} workers", [found[workers].trials_a_minute for found in rounds], "{:.1f}")
    ratios = [found[2].trials_a_minute / found[1].trials_a_minute for found in rounds]
    print_row("2 workers against 1", ratios, "{:.2f}", ">= 1.7")
    print_row("trials an hour, 2 workers", [60 * found[2].trials_a_minute for found in rounds], "{:.0f}")
    print_row("bookkeeping, 2 workers", [100 * found[2].bookkeeping for found in rounds], "{:.2f} %", "< 2 %")
    print_row("waiting, 2 workers", [100 * found[2].waiting for found in rounds], "{:.1f} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
