"""The time from a trained batch until a viewer sees it.

Run as a program, this module trains one run and writes to the file REPORT when each batch was done:

    python -m benchmarks.lib.batch_latency REPORT --epochs 1
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from mnist_core.config import TrainConfig
from mnist_core.records import Event
from mnist_core.store import RunStore
from mnist_core.system.paths import ROOT, runs_dir
from mnist_core.system.processes import own_identity

POLL_SECONDS = 0.02


@dataclass(frozen=True)
class TrainingReport:
    """What the timed trainer measured."""

    batch_times: list[tuple[int, float]]
    """Step and Unix time of each event, in order."""
    test_accuracy: float
    dataset: str


class TimedTrainer:
    """A run that trains in a process of its own, which notes when each batch was done."""

    def __init__(self, process: subprocess.Popen[bytes], report_path: Path) -> None:
        self._process = process
        self._report_path = report_path
        while not _run_id_path(report_path).exists():
            if process.poll() is not None:
                raise SystemExit("The timed trainer ended before it had a run.")
            time.sleep(POLL_SECONDS)
        self.run_id = int(_run_id_path(report_path).read_text())

    def wait(self) -> TrainingReport:
        """Wait until the run has ended."""
        self._process.wait()
        return TrainingReport(**json.loads(self._report_path.read_text()))


@contextmanager
def timed_trainer(runs: Path, report_path: Path, epochs: int = 1) -> Iterator[TimedTrainer]:
    """Train in a process of its own, with the store in the folder `runs`."""
    command = [sys.executable, "-m", "benchmarks.lib.batch_latency", str(report_path), "--epochs", str(epochs)]
    environment = {**os.environ, "MNIST_RUNS_DIR": str(runs)}
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:
        yield TimedTrainer(process, report_path)


def delays(trained: dict[int, float], seen: list[tuple[int, float]]) -> list[float]:
    """Return for every step the seconds from trained to first seen.

    `trained` has the time of each step; `seen` has, in order, the last visible step and the time.
    """
    seconds, position = [], 0
    for step in sorted(trained):
        while position < len(seen) and seen[position][0] < step:
            position += 1
        if position < len(seen):
            seconds.append(seen[position][1] - trained[step])
    return seconds


def format_percentiles(seconds: list[float]) -> str:
    """Return median and 95th percentile."""
    p95 = sorted(seconds)[min(len(seconds) - 1, int(0.95 * len(seconds)))]
    return f"{statistics.median(seconds):.3f} / {p95:.3f} s"


def _run_id_path(report_path: Path) -> Path:
    return report_path.with_suffix(".run")


def main() -> None:
    from mnist_core.trainer.worker import train_run  # imports torch, which the caller does not need

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("report", type=Path)
    parser.add_argument("--epochs", type=int, default=1)
    options = parser.parse_args()
    store = RunStore.open(runs_dir())
    config = TrainConfig(epochs=options.epochs, validation_fraction=0)
    run = store.commands.create_run(config, trainer=own_identity())
    _run_id_path(options.report).write_text(str(run.id))
    batch_times: list[tuple[int, float]] = []

    def note_time(event: Event) -> None:
        batch_times.append((event.step, time.time()))

    finished = train_run(store, run, note_time)
    accuracy = finished.results.test_accuracy
    assert accuracy is not None, finished.reason
    options.report.write_text(json.dumps(asdict(TrainingReport(batch_times, accuracy, finished.dataset))))


if __name__ == "__main__":
    main()
