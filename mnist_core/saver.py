"""When a run saves a checkpoint, and which one is its best; how it is written is `checkpoint`'s business."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from mnist_core import checkpoint
from mnist_core.checkpoint_files import checkpoints_dir
from mnist_core.engine import TrainState
from mnist_core.records import EvalMetrics, Event, Intervention, Run

SAVE_SECONDS = 30.0
"""At least this often, besides at every evaluation: no more than this is ever lost."""


class Saver:
    """Saves one run: at every evaluation, at least every `SAVE_SECONDS`, and when it is told to."""

    def __init__(self, run: Run, dataset: str, state: TrainState, clock: Callable[[], float] = time.monotonic) -> None:
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
        """Save the run as it stands. Raises `CheckpointError` when the disk does not take it.

        Weights that are not finite are no checkpoint: the loss will say so at the next batch, and the one before stays.
        """
        if not all(bool(torch.isfinite(weight).all()) for weight in self._state.model.parameters()):
            return
        is_best = isinstance(event, EvalMetrics) and event.split == "validation" and event.accuracy > self._best
        if isinstance(event, EvalMetrics) and is_best:
            self._best = event.accuracy
        checkpoint.save(
            self._folder,
            self._run.config,
            self._state,
            dataset=self._dataset,
            interventions=[_plain(one) for one in interventions],
            best=is_best,
        )
        self._saved_at = self._clock()


def _plain(intervention: Intervention) -> dict[str, Any]:
    fields = {name: getattr(intervention, name) for name in intervention.__slots__}
    return {**fields, "at": intervention.at.timestamp()}
