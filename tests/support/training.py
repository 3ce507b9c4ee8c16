"""Short trainings that are interrupted or compared with undisturbed ones, and small checkpoints."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnist_core.checkpoints.files import load, save
from mnist_core.checkpoints.format import Checkpoint
from mnist_core.checkpoints.index import checkpoints_dir, list_checkpoints
from mnist_core.config import TrainConfig
from mnist_core.records import EvalMetrics, Event, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import Observer, train_run
from mnist_core.training.train_state import TrainState

CONFIG = TrainConfig(dataset="mnist", model="softmax", batch_size=30, epochs=2, momentum=0.9, device="cpu")
STEPS = 18

EARLY = TrainConfig(
    dataset="mnist", model="softmax", batch_size=30, epochs=8, lr=0.1, momentum=0.9, patience=3, device="cpu"
)
"""On 270 digits it improves until step 23, and stops after the evaluation at step 36 of 72."""

_undisturbed_losses: dict[TrainConfig, list[float]] = {}


def act_at_step(number: int, act: Callable[[], object]) -> Observer:
    def observe(event: Event) -> None:
        if isinstance(event, StepMetrics) and event.step == number:
            act()

    return observe


def claimed_run(store: RunStore, config: TrainConfig = CONFIG) -> Run:
    return store.commands.create_run(config, trainer=own_identity())


def resume(store: RunStore, run: Run) -> Run:
    store.commands.requeue_run(run.id)
    claimed = store.trainer_writes.claim_run(run.id, own_identity(), 1)
    assert claimed
    return train_run(store, claimed)


def assert_undisturbed(store: RunStore, run: Run) -> None:
    """Assert that a run of 18 steps ended as if undisturbed: its losses, evaluations and last checkpoints."""
    if run.config not in _undisturbed_losses:
        undisturbed = train_run(store, claimed_run(store, run.config))
        _undisturbed_losses[run.config] = store.queries.read_steps(undisturbed.id)["loss"].tolist()
    assert (run.status, run.reason) == (RunStatus.COMPLETED, "")
    assert store.queries.read_steps(run.id)["loss"].tolist() == _undisturbed_losses[run.config]
    evaluated = [(evaluation.step, evaluation.split) for evaluation in store.queries.list_evaluations(run.id)]
    assert evaluated == [*((step, "validation") for step in (5, 9, 14, 18)), (18, "test")]
    assert sorted(list_checkpoints(checkpoints_dir(run))) == [14, 18]


def timeless(event: Event) -> dict[str, Any]:
    """Return the fields of an event that must repeat exactly: all but the times."""
    fields = {name: getattr(event, name) for name in event.__slots__}
    fields.pop("elapsed_seconds")
    fields.pop("examples_per_second", None)
    if isinstance(event, EvalMetrics):
        fields["predictions"] = event.predictions.tolist()
        fields["probabilities"] = None if event.probabilities is None else event.probabilities.tolist()
    return fields


# Checkpoints without training

SMALL = TrainConfig(model="softmax", device="cpu")


def load_newest(folder: Path) -> Checkpoint:
    """Load the checkpoint of the highest step in a folder."""
    checkpoints = list_checkpoints(folder)
    return load(checkpoints[max(checkpoints)])


def save_small(folder: Path, step: int, *, best: bool = False) -> Path:
    state = TrainState.initial(SMALL)
    state.step = step
    return save(folder, SMALL, state, dataset="MNIST", best=best)


def file_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
