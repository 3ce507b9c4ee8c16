"""Folds the events of a run into commits to the store, a few a second."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mnist_core.records import LIVE_BATCHES, EvalMetrics, Event, Progress, Run, RunStatus, StepMetrics
from mnist_core.store import RunStore

COMMIT_SECONDS = 0.2
"""How often metrics are committed: often enough to look live, rarely enough to cost nothing."""


class Recorder:
    """Collects events and commits them about every `COMMIT_SECONDS`; the first event and evaluations at once."""

    def __init__(self, store: RunStore, run: Run, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._run = run
        self._clock = clock
        self._due = -math.inf
        self._steps: list[StepMetrics] = []
        self._evaluations: list[EvalMetrics] = []
        self._batches: deque[np.ndarray] = deque(maxlen=LIVE_BATCHES)
        self._confusion = np.zeros((10, 10), np.int64)
        self._all, self._latest = Throughput(), Throughput()
        self._last_step: StepMetrics | None = None
        self._elapsed_seconds = run.progress.elapsed_seconds

    def record(self, event: Event) -> RunStatus | None:
        """Take one event; returns the run's status if this committed, else None."""
        self._elapsed_seconds = event.elapsed_seconds
        if isinstance(event, EvalMetrics):
            self._evaluations.append(event)
            return self.commit()
        self._steps.append(event)
        if len(self._batches) == LIVE_BATCHES:
            self._confusion -= self._batches[0]
        self._batches.append(np.array(event.confusion))
        self._confusion += self._batches[-1]
        images = int(self._batches[-1].sum())
        for throughput in (self._all, self._latest):
            throughput.add(images, images / event.examples_per_second)
        return self.commit() if self._clock() >= self._due else None

    def commit(self) -> RunStatus:
        """Write what has been collected; on an error it stays collected, and nothing of it was written."""
        return self._write(self._latest)

    def finish(self) -> RunStatus:
        """Commit the rest, with the throughput of the whole run in place of the latest."""
        return self._write(self._all)

    def _write(self, throughput: Throughput) -> RunStatus:
        progress = self._progress(throughput)
        status = self._store.append(self._run, progress, self._steps, self._evaluations)
        if self._steps:
            self._last_step = self._steps[-1]
        self._steps, self._evaluations, self._latest = [], [], Throughput()
        self._due = self._clock() + COMMIT_SECONDS
        return status

    def _progress(self, throughput: Throughput) -> Progress:
        last = self._steps[-1] if self._steps else self._last_step
        if last is None:
            return self._run.progress
        return Progress(
            step=last.step,
            epoch=last.epoch,
            loss=last.loss,
            accuracy=last.accuracy,
            examples_per_second=throughput.rate or self._all.rate,
            elapsed_seconds=self._elapsed_seconds,
            live_confusion=tuple(map(tuple, self._confusion.tolist())),
        )


@dataclass
class Throughput:
    """Images trained on, and the seconds that their updates took."""

    images: int = 0
    seconds: float = 0.0

    def add(self, images: int, seconds: float) -> None:
        self.images += images
        self.seconds += seconds

    @property
    def rate(self) -> float:
        """Images per second; 0 before the first update."""
        return self.images / self.seconds if self.seconds else 0.0
