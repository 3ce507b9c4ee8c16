"""The runs in the memory of the live feed, and their `history` events."""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import Container, Hashable, Iterable
from typing import Any

import numpy as np

from mnist_core.analysis.doctor.evidence import Earlier, Evaluated, Evidence
from mnist_core.analysis.doctor.sentence import Sentence, describe_run
from mnist_core.records import LIVE_BATCHES, Confusion, EvalMetrics, Run, RunStatus, encode_json, json_value
from mnist_core.store.queries import Queries
from mnist_dashboard.feed.series import RunSeries

EXAMINATION_SECONDS = 1.0
"""Time between two examinations of the curves while a run trains: a run that diverges is named within two seconds."""

MAX_HISTORIES = 4
"""Maximum number of smoothings for which a run keeps its `history` event, of about 300 kB."""

MAX_IDLE_RUNS = 32
"""Maximum number of unwatched runs kept in memory, so that going back to a run does not read it again."""


class CachedRun:
    """The latest row of a run, its curves and its evaluations."""

    def __init__(self, run: Run, table: np.ndarray, evaluations: Iterable[EvalMetrics]) -> None:
        self.run = run
        self.series = RunSeries(run.attempt)
        self.series.extend(1, table)
        self.evaluations = [evaluation_to_json(evaluation) for evaluation in evaluations]
        self._histories: OrderedDict[float, bytes] = OrderedDict()
        self._sentence: Sentence | None = None
        self.earlier: Earlier | None = None
        """The run that its progress is compared with, once `knows_earlier`."""
        self.knows_earlier = False
        self._examined: Hashable = None
        self._examined_at = -math.inf

    @property
    def matrix(self) -> Confusion | None:
        """Confusion matrix of the latest training batches."""
        return self.run.progress.live_confusion

    def update(self, run: Run) -> None:
        """Replace the row by a newer one."""
        self.run = run
        self._histories.clear()

    @property
    def sentence(self) -> dict[str, Any] | None:
        """The sentence of the run as `examine` last found it, JSON-ready."""
        return self._sentence.to_json() if self._sentence else None

    def needs_examination(self, after: str | None, now: float) -> bool:
        """Whether to `examine` the run: its state or its evaluations have changed, or it trains and some time passed.

        `after` is the run that it waits for in the queue, `now` a time in seconds on any steady clock.
        """
        is_due = self.run.status is RunStatus.RUNNING and now >= self._examined_at + EXAMINATION_SECONDS
        return is_due or self._examined != self._examination_key(after)

    def examine(self, after: str | None, now: float, checkpoints: tuple[int, ...]) -> None:
        """Update the sentence. `checkpoints` are the steps from which the run, if it has ended, can be continued.

        While nothing but the curves has changed, a finding keeps its words: they must not flicker with every batch.
        Takes less than a millisecond, however long the run is.
        """
        key = self._examination_key(after)
        only_curves_changed = key == self._examined
        self._examined, self._examined_at = key, now
        loss, accuracy, lr = map(self.series.values, ("loss", "accuracy", "lr"))
        evaluations = tuple(map(_evaluated, self.evaluations))
        evidence = Evidence(self.run, loss, accuracy, lr, evaluations, checkpoints, self.earlier)
        sentence = describe_run(evidence, after)
        if not (only_curves_changed and _says_the_same(sentence, self._sentence)):
            self._sentence = sentence

    def _examination_key(self, after: str | None) -> Hashable:
        """What the sentence depends on, besides the curves."""
        run = self.run
        state = (run.status, run.attempt, run.reason, run.notice, run.damage, run.total_steps, run.unverified)
        changes = (len(run.interventions), *run.interventions[-1:])
        return (*state, len(self.evaluations), changes, after)

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


def _evaluated(values: dict[str, Any]) -> Evaluated:
    """The evaluation that `evaluation_to_json` wrote."""
    loss = math.nan if values["loss"] is None else values["loss"]
    return Evaluated(values["step"], values["epoch"], values["split"], loss, values["accuracy"], values["confusion"])


def _says_the_same(new: Sentence | None, old: Sentence | None) -> bool:
    """Whether two sentences report the same finding, perhaps with other numbers."""
    if not new or not old or not new.rule:
        return False
    return (new.rule, new.remedy) == (old.rule, old.remedy)


class RunCache:
    """The runs in memory, the one used last at the end. Used by the hub while it holds its read lock."""

    def __init__(self, queries: Queries) -> None:
        self._queries = queries
        self._runs: OrderedDict[int, CachedRun] = OrderedDict()

    def find(self, run_id: int) -> CachedRun | None:
        """Return a run that is in memory."""
        return self._runs.get(run_id)

    async def read(self, run_id: int, watched_ids: Container[int]) -> CachedRun:
        """Return a run, from the store if it is not in memory. Raises `RunNotFoundError`.

        Runs that are not in `watched_ids` make room: see `MAX_IDLE_RUNS`.
        """
        cached = self._runs.get(run_id) or await self.read_again(run_id)
        self._runs.move_to_end(run_id)
        idle = [other_id for other_id in self._runs if other_id not in watched_ids]
        for idle_id in idle[: max(0, len(idle) - MAX_IDLE_RUNS)]:
            del self._runs[idle_id]
        return cached

    async def read_again(self, run_id: int) -> CachedRun:
        """Read a run from the store, whether it is in memory or not. Raises `RunNotFoundError`."""
        run = await asyncio.to_thread(self._queries.get_run, run_id)
        table = await asyncio.to_thread(self._queries.read_steps, run_id)
        evaluations = await asyncio.to_thread(self._queries.list_evaluations, run_id)
        self._runs[run_id] = CachedRun(run, table, evaluations)
        return self._runs[run_id]
