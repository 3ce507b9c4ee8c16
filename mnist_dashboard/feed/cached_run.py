"""One run in the memory of the live feed, and its `history` event."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from mnist_core.records import LIVE_BATCHES, Confusion, EvalMetrics, Run, encode_json, json_value
from mnist_dashboard.feed.series import RunSeries


class CachedRun:
    """The latest row of a run, its curves and its evaluations."""

    def __init__(self, run: Run, table: np.ndarray, evaluations: Iterable[EvalMetrics]) -> None:
        self.run = run
        self.series = RunSeries(run.attempt)
        self.series.extend(1, table)
        self.evaluations = [evaluation_to_json(evaluation) for evaluation in evaluations]
        self._history: tuple[float, bytes] | None = None

    @property
    def matrix(self) -> Confusion | None:
        """Confusion matrix of the latest training batches."""
        return self.run.progress.live_confusion

    def update(self, run: Run) -> None:
        """Replace the row by a newer one."""
        self.run = run
        self._history = None

    def history(self, smoothing: float) -> bytes:
        """The data of the `history` event, as JSON.

        Only the last result is cached: enough for a class that joins at once, and dragging the smoothing slider does
        not fill the memory.
        """
        if self._history is None or self._history[0] != smoothing:
            event = {
                "run": self.run.id,
                "attempt": self.series.attempt,
                **self.series.points(smoothing),
                "evaluations": self.evaluations,
                "matrix": self.matrix,
                "matrix_batches": LIVE_BATCHES,
            }
            self._history = smoothing, encode_json(event, compact=True).encode()
        return self._history[1]


def evaluation_to_json(evaluation: EvalMetrics) -> dict[str, Any]:
    return {
        "step": evaluation.step,
        "epoch": evaluation.epoch,
        "split": evaluation.split,
        "loss": json_value(evaluation.loss),
        "accuracy": json_value(evaluation.accuracy),
        "confusion": evaluation.confusion,
    }
