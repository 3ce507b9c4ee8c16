"""Exports runs as TensorBoard event files. Imports torch through tensorboardX: for workers only."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tensorboardX import SummaryWriter

from mnist_core.records import Run
from mnist_core.store.queries import Queries

TRAINING_METRICS = ("loss", "accuracy", "lr", "momentum", "examples_per_second")


def write_events(queries: Queries, runs: Sequence[Run], folder: Path) -> None:
    """Write one folder per run into `folder`, for `tensorboard --logdir folder`; times are those of the training."""
    for run in runs:
        started = (run.started_at or run.created_at).timestamp()
        with SummaryWriter(str(folder / f"run-{run.id}"), write_to_disk=True) as writer:
            writer.add_text("name", run.name, walltime=started)
            table = queries.read_steps(run.id)
            for name in TRAINING_METRICS:
                rows = zip(table[name].tolist(), table["elapsed_seconds"].tolist(), strict=True)
                for step, (value, elapsed) in enumerate(rows, start=1):
                    writer.add_scalar(f"training/{name}", value, step, walltime=started + elapsed)
            for evaluation in queries.list_evaluations(run.id):
                time = started + evaluation.elapsed_seconds
                for name in ("loss", "accuracy"):
                    tag, value = f"{evaluation.split}/{name}", getattr(evaluation, name)
                    writer.add_scalar(tag, value, evaluation.step, walltime=time)
