"""Decides when a run saves a checkpoint, which one is its best, and from which one it resumes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from mnist_core.checkpoints import files
from mnist_core.checkpoints.format import Checkpoint
from mnist_core.checkpoints.index import BEST, checkpoints_dir, list_checkpoints
from mnist_core.errors import CheckpointError, NotSavedError
from mnist_core.records import EvalMetrics, Event, Intervention, Run
from mnist_core.store import RunStore
from mnist_core.system.paths import display_path
from mnist_core.training.engine import EVALUATIONS_PER_EPOCH, TrainState

SAVE_SECONDS = 30.0
"""Maximum time between two checkpoints, and so the most training time that an interruption can lose."""


class CheckpointSaver:
    """Saves checkpoints of one run: after every evaluation, and at least every `SAVE_SECONDS`."""

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
        """Whether to save after this event, once it is committed."""
        return isinstance(event, EvalMetrics) or self._clock() >= self._saved_at + SAVE_SECONDS

    def save(self, event: Event | None, interventions: Sequence[Intervention]) -> None:
        """Save a checkpoint, unless a weight is infinite or NaN: the run is about to diverge, and the last one is kept.

        Raises `NotSavedError` when the disk is full, and `StaleAttemptError` when another trainer has claimed the run,
        even if this process was suspended in the middle of saving.
        """
        if not all(bool(torch.isfinite(weight).all()) for weight in self._state.model.parameters()):
            return
        is_best = isinstance(event, EvalMetrics) and event.split == "validation" and event.accuracy > self._best
        try:
            files.save(
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
    """Load the newest checkpoint that is intact and not ahead of the store.

    Returns it with a sentence on each checkpoint that was skipped. It is None if there are no checkpoints, or all are
    ahead of the store: the run then begins again. A power cut can lose the last commits to the database but not the
    checkpoint saved after them, and resuming from that would leave a gap in the metrics.
    Raises `CheckpointError` if all are skipped and some are damaged, which beginning again would overwrite, or if this
    run continues another one and so cannot begin again.
    """
    folder = checkpoints_dir(run.id)
    paths = [*reversed(list_checkpoints(folder).values()), *list_checkpoints(folder, BEST).values()]
    skipped: list[str] = []
    is_any_damaged = False
    for path in paths:
        try:
            saved = files.load(path, settings=run.config)
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
            f"{run.name} continues another run from step {run.parent_step}, and that checkpoint is gone. "
            "Continue the other run once more."
        )
    return None, skipped


def _is_recorded(store: RunStore, run: Run, state: TrainState) -> bool:
    """Whether the store has every step up to `state`, and the evaluations that would not be made again after it."""
    if state.step > store.queries.count_steps(run.id):
        return False
    evaluations = store.queries.list_evaluations(run.id)
    splits_at_step = {evaluation.split for evaluation in evaluations if evaluation.step == state.step}
    if state.tested and "test" not in splits_at_step:
        return False
    if state.validations == EVALUATIONS_PER_EPOCH and "validation" not in splits_at_step:
        return False
    validated_epochs = {evaluation.epoch for evaluation in evaluations if evaluation.split == "validation"}
    return not state.validations or state.epoch in validated_epochs
