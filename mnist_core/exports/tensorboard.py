"""Runs as TensorBoard event files. tensorboardX imports torch where it is installed: for workers only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tensorboardX import SummaryWriter

from mnist_core.records import Run
from mnist_core.store.queries import Queries

TRAINING = ("loss", "accuracy", "lr", "momentum", "examples_per_second")


def write_events(queries: Queries, runs: Sequence[Run], folder: Path) -> None:
    """One folder a run in `folder`, for `tensorboard --logdir folder`; the times are those of the training."""
    for run in runs:
        began = (run.started_at or run.created_at).timestamp()
        with SummaryWriter(str(folder / f"run-{run.id}"), write_to_disk=True) as writer:
            writer.add_text("name", run.name, walltime=began)
            table = queries.read_steps(run.id)
            for name in TRAINING:
                rows = zip(table[name].tolist(), table["elapsed_seconds"].tolist(), strict=True)
                for step, (value, elapsed) in enumerate(rows, start=1):
                    writer.add_scalar(f"training/{name}", value, step, walltime=began + elapsed)
            for one in queries.list_evaluations(run.id):
                moment = began + one.elapsed_seconds
                writer.add_scalar(f"{one.split}/loss", one.loss, one.step, walltime=moment)
                writer.add_scalar(f"{one.split}/accuracy", one.accuracy, one.step, walltime=moment)
