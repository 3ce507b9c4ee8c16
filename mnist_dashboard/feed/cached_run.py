"""One run in the memory of the live feed, and its `history` event."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

import numpy as np

from mnist_core.records import LIVE_BATCHES, Confusion, EvalMetrics, Run, encode_json, json_value
from mnist_dashboard.feed.series import RunSeries

MAX_HISTORIES = 4
"""Maximum number of smoothings for which a run keeps its `history` event, of about 300 kB."""


class CachedRun:
    """The latest row of a run, its curves and its evaluations."""

    def __init__(self, run: Run, table: np.ndarray, evaluations: Iterable[EvalMetrics]) -> None:
        self.run = run
        self.series = RunSeries(run.attempt)
        self.series.extend(1, table)
        self.evaluations = [evaluation_to_json(evaluation) for evaluation in evaluations]
        self._histories: OrderedDict[float, bytes] = OrderedDict()

    @property
    def matrix(self) -> Confusion | None:
        """Confusion matrix of the latest training batches."""
        return self.run.progress.live_confusion

    def update(self, run: Run) -> None:
        """Replace the row by a newer one."""
        self.run = run
        self._histories.clear()

    def history(self, smoothing: float) -> bytes:
        """The data of the `history` event, as JSON. Takes up to a second for a long run: call it in a thread.

        The latest results are cached: a class that joins at once needs one, and dragging the smoothing slider does not
        fill the memory.
        """
        if smoothing not in self._histories:
            event = {
                "run": self.run.id,
                "attempt": self.series.attempt,
                **self.series.points(smoothing),
                "evaluations": self.evaluations,
                "matrix": self.matrix,
                "matrix_batches": LIVE_BATCHES,
            }
            self._histories[smoothing] = encode_json(event, compact=True).encode()
            if len(self._histories) > MAX_HISTORIES:
                self._histories.popitem(last=False)
        self._histories.move_to_end(smoothing)
        return self._histories[smoothing]


def evaluation_to_json(evaluation: EvalMetrics) -> dict[str, Any]:
    return {
        "step": evaluation.step,
        "epoch": evaluation.epoch,
        "split": evaluation.split,
        "loss": json_value(evaluation.loss),
        "accuracy": json_value(evaluation.accuracy),
        "confusion": evaluation.confusion,
    }
