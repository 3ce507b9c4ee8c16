"""Decides when a run saves a checkpoint, and which one is its best."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from mnist_core.checkpoints import files
from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.checkpoints.ownership import describe_checkpoint
from mnist_core.errors import CheckpointError, NotSavedError
from mnist_core.records import EvalMetrics, Event, Intervention, Run
from mnist_core.store import RunStore
from mnist_core.training.train_state import TrainState

SAVE_SECONDS = 30.0
"""Maximum time between two checkpoints, and so the most training that an interruption can lose."""


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
        """Whether this event is the best validation so far."""
        return isinstance(event, EvalMetrics) and event.split == "validation" and event.accuracy > self._best

    def save(self, event: Event | None, interventions: Sequence[Intervention]) -> None:
        """Save a checkpoint, unless a weight is infinite or NaN: the run is about to diverge, and the last one is kept.

        Raises `NotSavedError` when the disk is full, and `StaleAttemptError` when another trainer has claimed the run,
        even if this process was suspended in the middle of saving.
        """
        if not all(bool(torch.isfinite(weight).all()) for weight in self._state.model.state_dict().values()):
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
