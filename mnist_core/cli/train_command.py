"""Trains a run in this very terminal and prints what happens; the dashboard shows it all the same."""

from __future__ import annotations

import sys

from mnist_core.cli import event_printers
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.machine import threads_per_trainer
from mnist_core.system.paths import PROGRAM

EXIT_FAILED = 1
EXIT_INTERRUPTED = 130
"""What shells report for a program ended by Ctrl-C."""


def train_in_terminal(store: RunStore, run: Run, *, log_interval: int, json: bool = False) -> int:
    """Train a run that this process holds until it ends; returns the exit code.

    It shares the cores with whatever else is training as it begins. Raises `MnistError` when the run cannot be trained.
    """
    try:
        import torch

        from mnist_core.trainer.worker import (
            train_run,  # imports torch, which takes seconds and other commands do not need
        )
    except KeyboardInterrupt:
        store.commands.interrupt_run(run, "Interrupted from the keyboard (Ctrl-C).")
        raise

    torch.set_num_threads(threads_per_trainer(len(store.queries.list_active_runs())))
    print(f"{run.name}: watch it in the dashboard, or here.", file=sys.stderr)
    printer = (
        event_printers.JsonPrinter(store.queries, run)
        if json
        else event_printers.ClassicPrinter(store.queries, run, log_interval)
    )
    with printer:
        run = train_run(store, run, printer.show)
    if run.reason:
        print(run.reason, file=sys.stderr)
    if run.model_file:
        print(f"Model saved to {run.model_file}.", file=sys.stderr)
    if run.status is RunStatus.INTERRUPTED:
        print(f"Go on with: {PROGRAM} resume {run.name}", file=sys.stderr)
        return EXIT_INTERRUPTED
    return 0 if run.status in (RunStatus.COMPLETED, RunStatus.STOPPED) else EXIT_FAILED
