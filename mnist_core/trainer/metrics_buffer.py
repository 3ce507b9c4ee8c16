"""Buffers the metrics of a run and commits them to the store a few times a second."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np

from mnist_core.errors import StoreLockedError
from mnist_core.records import (
    CURVE_POINTS,
    LIVE_BATCHES,
    EvalMetrics,
    Event,
    LayerNorms,
    Progress,
    Run,
    RunStatus,
    StepMetrics,
)
from mnist_core.store import RunStore
from mnist_core.trainer.retries import retry_while_locked

COMMIT_SECONDS = 0.2
"""Time between two commits: short enough to look live, long enough to cost nothing."""

LOCKED_SECONDS = 5.0
"""Time between two commits that are tried while another process keeps the database locked."""

MAX_STEPS, MAX_EVALUATIONS = 20_000, 200
"""Size of a full buffer, about 50 MB. Training waits until it can be committed."""

NOTICE_SECONDS = 10.0
"""Time for which the database must have been locked before the run's notice says so."""

_log = logging.getLogger(__name__)


class MetricsBuffer:
    """Collects events and commits them about every `COMMIT_SECONDS`; the first event and evaluations at once.

    Sums and means are computed at a commit, for all new steps together, so that a step itself costs almost nothing.
    While the database is locked, training goes on and the events stay here. `should_end` says whether the trainer must
    end: it no longer waits for the database then.
    """

    def __init__(
        self,
        store: RunStore,
        run: Run,
        clock: Callable[[], float] = time.monotonic,
        *,
        should_end: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._run = run
        self._clock = clock
        self.should_end = should_end
        self._locked_since: float | None = None
        self._next_commit_at = -math.inf
        self._steps: list[StepMetrics] = []
        self._evaluations: list[EvalMetrics] = []
        self._norms: list[LayerNorms] = []
        self._latest_confusions = np.zeros((0, 10, 10), np.int64)
        self._throughput = Throughput()
        self._last_committed_step: StepMetrics | None = None
        self._elapsed_seconds = run.progress.elapsed_seconds
        self._curve = LossCurve()
        if run.progress.step:
            self._curve = self._curve.with_losses(store.queries.read_steps(run.id)["loss"])

    def add(self, event: Event) -> RunStatus | None:
        """Add one event. Returns the run's status if this committed, else None. Waits only while the buffer is full."""
        self._elapsed_seconds = event.elapsed_seconds
        if isinstance(event, EvalMetrics):
            self._evaluations.append(event)
            return self.try_commit()
        self._steps.append(event)
        if len(self._steps) >= MAX_STEPS or len(self._evaluations) >= MAX_EVALUATIONS:
            return self.commit()
        return self.try_commit() if self._clock() >= self._next_commit_at else None

    def add_norms(self, norms: LayerNorms) -> None:
        """Add norms by layer, which the next commit writes."""
        self._norms.append(norms)

    def try_commit(self) -> RunStatus | None:
        """Commit all buffered events and return the run's status; None if the database is locked."""
        if self._locked_since is not None and self._clock() < self._next_commit_at:
            return None
        try:
            return self._commit(is_last=False)
        except StoreLockedError:
            return None

    def commit(self) -> RunStatus:
        """Commit all buffered events and return the run's status; waits while the database is locked.

        On an error they stay in the buffer, uncommitted. Raises `StoreLockedError` if the trainer must end meanwhile.
        """
        return retry_while_locked(lambda: self._commit(is_last=False), self.should_end)

    def finish(self) -> RunStatus:
        """Commit the rest like `commit`, with the throughput of the whole run instead of the latest steps."""
        return retry_while_locked(lambda: self._commit(is_last=True), self.should_end)

    def _commit(self, *, is_last: bool) -> RunStatus:
        """Commit once. Raises `StoreLockedError`."""
        try:
            if self._locked_since is not None:
                self._store.commands.check_writable()  # before the means of many steps are computed in vain
            status = self._write(is_last=is_last)
        except StoreLockedError:
            if self._locked_since is None:
                self._locked_since = self._clock()
                _log.warning(
                    "Another process keeps the database locked. %s trains on and keeps its results in memory.",
                    self._run.name,
                )
            self._next_commit_at = self._clock() + LOCKED_SECONDS
            raise
        if self._locked_since is not None:
            self._report_lock(self._clock() - self._locked_since)
            self._locked_since = None
        return status

    def _report_lock(self, seconds: float) -> None:
        _log.warning("The database is no longer locked. %s has recorded everything.", self._run.name)
        if seconds < NOTICE_SECONDS:
            return
        sentence = (
            f"Another process kept the database locked for {seconds:.0f} s. "
            "The results were kept in memory meanwhile; none is missing."
        )
        with suppress(StoreLockedError):
            self._store.trainer_writes.set_notice(self._run, f"{self._run.notice} {sentence}".strip())

    def _write(self, *, is_last: bool) -> RunStatus:
        latest_confusions, latest = self._latest_confusions, Throughput()
        if self._steps:
            confusions = np.array([step.confusion for step in self._steps])
            latest_confusions = np.concatenate([latest_confusions, confusions])[-LIVE_BATCHES:]
            latest = Throughput.from_rates(confusions.sum((1, 2)), [step.examples_per_second for step in self._steps])
        throughput = self._throughput + latest
        rate = throughput.rate if is_last else latest.rate or throughput.rate
        curve = self._curve.with_losses(np.array([step.loss for step in self._steps]))
        status = self._store.trainer_writes.append_steps(
            self._run,
            self._progress(latest_confusions, rate),
            self._steps,
            self._evaluations,
            curve.points(),
            norms=self._norms,
        )
        # Only after the write: if it raises, the next commit writes the same events.
        self._curve, self._throughput, self._latest_confusions = curve, throughput, latest_confusions
        if self._steps:
            self._last_committed_step = self._steps[-1]
        self._steps, self._evaluations, self._norms = [], [], []
        self._next_commit_at = self._clock() + COMMIT_SECONDS
        return status

    def _progress(self, latest_confusions: np.ndarray, examples_per_second: float) -> Progress:
        step = self._steps[-1] if self._steps else self._last_committed_step
        if step is None:
            return self._run.progress
        return Progress(
            step=step.step,
            epoch=step.epoch,
            loss=step.loss,
            accuracy=step.accuracy,
            examples_per_second=examples_per_second,
            elapsed_seconds=self._elapsed_seconds,
            live_confusion=tuple(map(tuple, latest_confusions.sum(0).tolist())),
        )


@dataclass(frozen=True)
class Throughput:
    """Number of images trained on, and how long that took."""

    images: int = 0
    seconds: float = 0.0

    @classmethod
    def from_rates(cls, images: np.ndarray, rates: Sequence[float]) -> Throughput:
        """Sum steps, given the number of images of each and its images per second."""
        return cls(int(images.sum()), float((images / np.array(rates)).sum()))

    def __add__(self, other: Throughput) -> Throughput:
        return Throughput(self.images + other.images, self.seconds + other.seconds)

    @property
    def rate(self) -> float:
        """Images per second; 0 before the first step."""
        return self.images / self.seconds if self.seconds else 0.0


def _empty_points() -> np.ndarray:
    return np.zeros(CURVE_POINTS)


@dataclass(frozen=True)
class LossCurve:
    """Training loss of a whole run in at most `CURVE_POINTS` points, for the small curves in tables.

    Each point is the mean of `steps_per_point` steps. When the curve is full, neighbouring points are merged.
    """

    steps: int = 0
    steps_per_point: int = 1
    sums: np.ndarray = field(default_factory=_empty_points)
    counts: np.ndarray = field(default_factory=_empty_points)

    def with_losses(self, losses: np.ndarray) -> LossCurve:
        """Return this curve with the losses of the next steps. Infinite losses and NaN are left out of the means."""
        steps, steps_per_point = self.steps + len(losses), self.steps_per_point
        sums, counts = self.sums, self.counts
        while steps > CURVE_POINTS * steps_per_point:
            sums, counts = _merge_neighbours(sums), _merge_neighbours(counts)
            steps_per_point *= 2
        is_finite = np.isfinite(losses)
        points = (np.arange(self.steps, steps) // steps_per_point)[is_finite]
        sums = sums + np.bincount(points, losses[is_finite], CURVE_POINTS)
        return LossCurve(steps, steps_per_point, sums, counts + np.bincount(points, minlength=CURVE_POINTS))

    def points(self) -> np.ndarray:
        """Return the means, float64, at most `CURVE_POINTS` of them."""
        has_steps = self.counts > 0
        return np.asarray(self.sums[has_steps] / self.counts[has_steps])


def _merge_neighbours(values: np.ndarray) -> np.ndarray:
    return np.concatenate([values.reshape(-1, 2).sum(1), np.zeros(CURVE_POINTS // 2)])
