"""One run as the live feed holds it: curves, evaluations and rolling matrix, and its `history` event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from dashboard.series import RunSeries
from dashboard.summary import finite
from mnist_core.records import LIVE_BATCHES, Confusion, EvalMetrics, Run


class Followed:
    """All that is drawn of one run."""

    def __init__(self, run: Run, table: np.ndarray, evaluations: Iterable[EvalMetrics]) -> None:
        self.run_id = run.id
        self.series = RunSeries(run.attempt)
        self.series.extend(1, table)
        self.evaluations = [evaluation_event(event) for event in evaluations]
        self.matrix: Confusion | None = run.progress.live_confusion
        self._history: tuple[float, dict[str, Any]] | None = None

    def changed(self) -> None:
        self._history = None

    def history(self, smoothing: float) -> dict[str, Any]:
        """The event for a newcomer. One is kept: a person who moves the slider leaves nothing behind."""
        if self._history is None or self._history[0] != smoothing:
            event = {
                "run": self.run_id,
                "attempt": self.series.attempt,
                **self.series.history(smoothing),
                "evaluations": self.evaluations,
                "matrix": self.matrix,
                "matrix_batches": LIVE_BATCHES,
            }
            self._history = smoothing, event
        return self._history[1]


def evaluation_event(event: EvalMetrics) -> dict[str, Any]:
    return {
        "step": event.step,
        "epoch": event.epoch,
        "split": event.split,
        "loss": finite(event.loss),
        "accuracy": event.accuracy,
        "confusion": event.confusion,
    }
