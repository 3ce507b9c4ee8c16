"""One run as the live feed holds it: curves, evaluations and rolling matrix, and its `history` event."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from mnist_core.records import LIVE_BATCHES, Confusion, EvalMetrics, Run
from mnist_dashboard.feed.run_summary import finite_or_none
from mnist_dashboard.feed.series import RunSeries


class CachedRun:
    """All that is drawn of one run."""

    def __init__(self, run: Run, table: np.ndarray, evaluations: Iterable[EvalMetrics]) -> None:
        self.run = run
        """As it was last committed."""
        self.series = RunSeries(run.attempt)
        self.series.extend(1, table)
        self.evaluations = [evaluation_event(event) for event in evaluations]
        self._history: tuple[float, bytes] | None = None

    @property
    def matrix(self) -> Confusion | None:
        return self.run.progress.live_confusion

    def update(self, run: Run) -> None:
        """The run has moved on."""
        self.run = run
        self._history = None

    def history(self, smoothing: float) -> bytes:
        """The data of the event for a newcomer, as JSON.

        One is kept, so that a class that joins at once costs one; a person who moves the slider leaves nothing behind.
        """
        if self._history is None or self._history[0] != smoothing:
            event = {
                "run": self.run.id,
                "attempt": self.series.attempt,
                **self.series.history(smoothing),
                "evaluations": self.evaluations,
                "matrix": self.matrix,
                "matrix_batches": LIVE_BATCHES,
            }
            self._history = smoothing, encode_json(event)
        return self._history[1]


def encode_json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()


def evaluation_event(event: EvalMetrics) -> dict[str, Any]:
    return {
        "step": event.step,
        "epoch": event.epoch,
        "split": event.split,
        "loss": finite_or_none(event.loss),
        "accuracy": event.accuracy,
        "confusion": event.confusion,
    }
