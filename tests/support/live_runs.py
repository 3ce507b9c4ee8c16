"""Runs in progress whose trainer is the test: they take no processor time, and move when the test says so."""

from collections.abc import Callable, Sequence

from mnist_core.config import TrainConfig
from mnist_core.records import EvalMetrics, Progress, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity


def begin(store: RunStore, run: Run) -> None:
    store.trainer_writes.begin_training(
        run,
        dataset="MNIST",
        notice="",
        train_images=3600,
        validation_images=400,
        test_images=1000,
        device="cpu",
        threads=1,
    )


def begun_run(store: RunStore, name: str = "", epochs: int = 2) -> Run:
    """Return a run in training."""
    run = store.commands.create_run(TrainConfig(epochs=epochs), name, trainer=own_identity())
    begin(store, run)
    return store.queries.get_run(run.id)


def train(
    store: RunStore,
    run: Run,
    a_step: Callable[..., StepMetrics],
    until: int,
    evaluations: Sequence[EvalMetrics] = (),
) -> None:
    """Record the steps of a run up to `until`, and evaluations."""
    first = store.queries.get_run(run.id).progress.step + 1
    steps = [a_step(step) for step in range(first, until + 1)]
    progress = Progress(until, 1, loss=0.5, accuracy=0.8, elapsed_seconds=until / 100)
    store.trainer_writes.append_steps(run, progress, steps, evaluations)


def end_runs(store: RunStore) -> None:
    """Stop all runs in progress: those of the test at once, others by asking their trainers."""
    for run in reversed(store.queries.list_unfinished_runs()):
        store.commands.request_stop(run.id)
        if run.trainer == own_identity():
            store.trainer_writes.finish_run(run, RunStatus.STOPPED)
