"""Folds the events of a run into commits to the store, a few a second."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mnist_core.records import LIVE_BATCHES, EvalMetrics, Event, Progress, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore
from mnist_core.trainer.loss_curve import LossCurve

COMMIT_SECONDS = 0.2
"""How often metrics are committed: often enough to look live, rarely enough to cost nothing."""


class MetricsBuffer:
    """Collects events and commits them about every `COMMIT_SECONDS`; the first event and evaluations at once.

    What it adds up is added up at a commit, for all new steps together: between two steps there is no time for it.
    """

    def __init__(self, store: RunStore, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._run = run
        self._clock = clock
        self._due = -math.inf
        self._steps: list[StepMetrics] = []
        self._evaluations: list[EvalMetrics] = []
        self._latest_batches = np.zeros((0, 10, 10), np.int64)
        self._all = Throughput()
        self._last_step: StepMetrics | None = None
        self._elapsed_seconds = run.progress.elapsed_seconds
        self._curve = LossCurve()
        if run.progress.step:
            self._curve = self._curve.with_losses(store.queries.read_steps(run.id)["loss"])

    def add(self, event: Event) -> RunStatus | None:
        """Take one event; returns the run's status if this committed, else None."""
        self._elapsed_seconds = event.elapsed_seconds
        if isinstance(event, EvalMetrics):
            self._evaluations.append(event)
            return self.commit()
        self._steps.append(event)
        return self.commit() if self._clock() >= self._due else None

    def commit(self) -> RunStatus:
        """Write what has been collected; on an error it stays collected, and nothing of it was written."""
        return self._write(whole_run=False)

    def finish(self) -> RunStatus:
        """Commit the rest, with the throughput of the whole run in place of the latest."""
        return self._write(whole_run=True)

    def _write(self, *, whole_run: bool) -> RunStatus:
        batches, latest = self._latest_batches, Throughput()
        if self._steps:
            confusions = np.array([step.confusion for step in self._steps])
            batches = np.concatenate([batches, confusions])[-LIVE_BATCHES:]
            latest = Throughput.from_rates(confusions.sum((1, 2)), [step.examples_per_second for step in self._steps])
        in_all = self._all + latest
        rate = in_all.rate if whole_run else latest.rate or in_all.rate
        curve = self._curve.with_losses(np.array([step.loss for step in self._steps]))
        status = self._store.trainer_writes.append_steps(
            self._run, self._progress(batches, rate), self._steps, self._evaluations, curve.points()
        )
        self._curve = curve
        self._latest_batches, self._all = batches, in_all
        if self._steps:
            self._last_step = self._steps[-1]
        self._steps, self._evaluations = [], []
        self._due = self._clock() + COMMIT_SECONDS
        return status

    def _progress(self, batches: np.ndarray, rate: float) -> Progress:
        last = self._steps[-1] if self._steps else self._last_step
        if last is None:
            return self._run.progress
        return Progress(
            step=last.step,
            epoch=last.epoch,
            loss=last.loss,
            accuracy=last.accuracy,
            examples_per_second=rate,
            elapsed_seconds=self._elapsed_seconds,
            live_confusion=tuple(map(tuple, batches.sum(0).tolist())),
        )


@dataclass(frozen=True)
class Throughput:
    """Images trained on, and the seconds that their updates took."""

    images: int = 0
    seconds: float = 0.0

    @classmethod
    def from_rates(cls, images: np.ndarray, rates: Sequence[float]) -> Throughput:
        """From the images of each step and their images per second."""
        return cls(int(images.sum()), float((images / np.array(rates)).sum()))

    def __add__(self, other: Throughput) -> Throughput:
        return Throughput(self.images + other.images, self.seconds + other.seconds)

    @property
    def rate(self) -> float:
        """Images per second; 0 before the first update."""
        return self.images / self.seconds if self.seconds else 0.0
