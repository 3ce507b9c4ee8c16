"""Decides when a run saves a checkpoint, which one is its best, and when it keeps a snapshot of its weights."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from mnist_core.checkpoints import files
from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.checkpoints.ownership import describe_checkpoint, recorded_checkpoints
from mnist_core.checkpoints.snapshot_plan import Position, evaluation_steps, next_snapshot
from mnist_core.errors import CheckpointError, NotSavedError
from mnist_core.records import EvalMetrics, Event, FileKind, Intervention, Run
from mnist_core.store import RunStore
from mnist_core.training.train_state import TrainState

SAVE_SECONDS = 30.0
"""Maximum time between two checkpoints, and so the most training that an interruption can lose."""

_log = logging.getLogger(__name__)


class CheckpointSaver:
    """Saves checkpoints of one run: after every evaluation, and at least every `SAVE_SECONDS`."""

    def __init__(
        self, store: RunStore, run: Run, dataset: str, state: TrainState, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._folder = checkpoints_dir(run)
        self._run = run
        self._dataset = dataset
        self._state = state
        self._clock = clock
        self._best = run.results.best_validation_accuracy or 0.0
        self._saved_at = clock()
        self.saved_step: int | None = None
        """Step of the latest checkpoint that this object saved."""

    def is_due(self, event: Event) -> bool:
        """Whether to save after this event, once it is committed."""
        return isinstance(event, EvalMetrics) or self._clock() >= self._saved_at + SAVE_SECONDS

    def is_best(self, event: Event) -> bool:
        """Whether this event is the best validation so far: by accuracy, or as early stopping has it."""
        if not isinstance(event, EvalMetrics) or event.split != "validation":
            return False
        if self._run.config.patience:
            return self._state.best is not None and self._state.best.step == event.step
        return event.accuracy > self._best

    def save(self, event: Event | None, interventions: Sequence[Intervention]) -> None:
        """Save a checkpoint, unless a weight is infinite or NaN: the run is about to diverge, and the last one is kept.

        Raises `NotSavedError` when the disk is full, and `StaleAttemptError` when another trainer has claimed the run,
        even if this process was suspended in the middle of saving.
        """
        if not _is_finite(self._state):
            return
        is_best = event is not None and self.is_best(event)
        try:
            files.save(
                self._folder,
                self._run.config,
                self._state,
                dataset=self._dataset,
                interventions=[intervention.to_json() for intervention in interventions],
                best=is_best,
                confirm=self._record,
            )
        except CheckpointError as error:
            raise NotSavedError(f"{error} Then resume the run.") from error
        if isinstance(event, EvalMetrics) and is_best:
            self._best = event.accuracy
        self._saved_at = self._clock()
        self.saved_step = self._state.step

    def _record(self, path: Path, sha256: str) -> None:
        self._store.trainer_writes.record_file(self._run, describe_checkpoint(path, sha256))


class SnapshotSaver:
    """Saves the snapshots of one run, at the steps of `snapshot_plan`. The run never depends on them."""

    def __init__(self, store: RunStore, run: Run, dataset: str, state: TrainState) -> None:
        self._store = store
        self._run = run
        self._dataset = dataset
        self._state = state
        self._saved = list(recorded_checkpoints(store.queries, run, FileKind.SNAPSHOT))
        self._evaluations = [evaluation.step for evaluation in store.queries.list_evaluations(run.id)]
        self._batch_size = state.batch_size
        self._next_step = self._plan()

    def is_due(self) -> bool:
        """Whether to save now, once the steps so far are committed."""
        if self._state.batch_size != self._batch_size:  # then the run ends at another step
            self._batch_size, self._next_step = self._state.batch_size, self._plan()
        return self._next_step is not None and self._state.step >= self._next_step

    def save(self) -> None:
        """Save a snapshot, unless a weight is infinite or NaN. One that cannot be saved is left out.

        Raises `StaleAttemptError` when another trainer has claimed the run.
        """
        if _is_finite(self._state):
            folder = checkpoints_dir(self._run)
            try:
                files.save_snapshot(folder, self._run.config, self._state, dataset=self._dataset, confirm=self._record)
            except CheckpointError as error:
                _log.warning("%s The run goes on without this snapshot.", error)
        self._saved.append(self._state.step)
        self._next_step = self._plan()

    def _plan(self) -> int | None:
        state, config = self._state, self._run.config
        position = Position(state.step, state.epoch, state.offset, state.batch_size)
        past = [step for step in self._evaluations if step <= state.step]
        self._evaluations = [*past, *evaluation_steps(config, self._run.train_images, position)]
        return next_snapshot(self._saved, state.step, self._evaluations)

    def _record(self, path: Path, sha256: str) -> None:
        self._store.trainer_writes.record_file(self._run, describe_checkpoint(path, sha256))


def _is_finite(state: TrainState) -> bool:
    return all(bool(torch.isfinite(weight).all()) for weight in state.model.state_dict().values())
