"""When a run saves a checkpoint, which one is its best and from which it goes on; `checkpoint` reads and writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from mnist_core.checkpoints import checkpoint
from mnist_core.checkpoints.checkpoint import Checkpoint
from mnist_core.checkpoints.index import BEST, checkpoints_dir, list_checkpoints
from mnist_core.errors import CheckpointError, NotSavedError
from mnist_core.records import EvalMetrics, Event, Intervention, Run
from mnist_core.store import RunStore
from mnist_core.system.paths import display_path
from mnist_core.training.engine import EVALUATIONS_PER_EPOCH, TrainState

SAVE_SECONDS = 30.0
"""At least this often, besides at every evaluation: no more than this is ever lost."""


class CheckpointSaver:
    """Saves one run: at every evaluation, at least every `SAVE_SECONDS`, and when it is told to."""

    def __init__(
        self, store: RunStore, run: Run, dataset: str, state: TrainState, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._folder = checkpoints_dir(run.id)
        self._run = run
        self._dataset = dataset
        self._state = state
        self._clock = clock
        self._best = run.results.best_validation_accuracy or 0.0
        self._saved_at = clock()

    def is_due(self, event: Event) -> bool:
        """Whether to save after this event, once it has been committed."""
        return isinstance(event, EvalMetrics) or self._clock() >= self._saved_at + SAVE_SECONDS

    def save(self, event: Event | None, interventions: Sequence[Intervention]) -> None:
        """Save the run as it stands. Raises `NotSavedError` when the disk does not take it, `StaleAttemptError` when
        the run is another trainer's by now, however long this one was stopped in the middle of saving.

        Weights that are not finite are no checkpoint: the loss will say so at the next batch, and the one before stays.
        """
        if not all(bool(torch.isfinite(weight).all()) for weight in self._state.model.parameters()):
            return
        is_best = isinstance(event, EvalMetrics) and event.split == "validation" and event.accuracy > self._best
        try:
            checkpoint.save(
                self._folder,
                self._run.config,
                self._state,
                dataset=self._dataset,
                interventions=[intervention.to_json() for intervention in interventions],
                best=is_best,
                confirm=lambda: self._store.trainer_writes.heartbeat(self._run),
            )
        except CheckpointError as error:
            raise NotSavedError(f"{error} Then resume the run.") from error
        if isinstance(event, EvalMetrics) and is_best:
            self._best = event.accuracy
        self._saved_at = self._clock()


def load_latest_recorded(store: RunStore, run: Run) -> tuple[Checkpoint | None, list[str]]:
    """The newest checkpoint that is in order and not ahead of the store, and a sentence on each that was passed over.

    A power cut can take the last commits from the database while the checkpoint made after them is on the disk: to go
    on from that would leave a gap. None if nothing was ever saved, or all of it is ahead: the run begins again.
    Raises `CheckpointError` when that would not be the same run, or would leave damaged checkpoints to be overwritten.
    """
    folder = checkpoints_dir(run.id)
    paths = [*reversed(list_checkpoints(folder).values()), *list_checkpoints(folder, BEST).values()]
    skipped: list[str] = []
    is_any_damaged = False
    for path in paths:
        try:
            saved = checkpoint.load(path, settings=run.config)
        except CheckpointError as error:
            is_any_damaged = True
            skipped.append(str(error).removesuffix(" Choose another checkpoint, or start the run again."))
            continue
        if _is_recorded(store, run, saved.state):
            return replace(saved, skipped=tuple(skipped)), skipped
        skipped.append(f"Checkpoint {display_path(path)} is ahead of what was recorded of the run.")
    if is_any_damaged:
        raise CheckpointError(
            f"No checkpoint in {display_path(folder)} can be used. {' '.join(skipped)} "
            "Start the run again as a new one."
        )
    if run.parent_step is not None:
        raise CheckpointError(
            f"{run.name} goes on from step {run.parent_step} of another run, and that checkpoint is gone. "
            "Continue the other run once more."
        )
    return None, skipped


def _is_recorded(store: RunStore, run: Run, state: TrainState) -> bool:
    """Whether the store holds every step up to `state`, and the evaluations that will not be made again after it."""
    if state.step > store.queries.count_steps(run.id):
        return False
    evaluations = store.queries.list_evaluations(run.id)
    splits_here = {one.split for one in evaluations if one.step == state.step}
    if state.tested and "test" not in splits_here:
        return False
    if state.validations == EVALUATIONS_PER_EPOCH and "validation" not in splits_here:
        return False
    return not state.validations or any(one.split == "validation" and one.epoch == state.epoch for one in evaluations)
