"""The route for what the trials of a sweep say about its settings."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from mnist_core.analysis.importance_forest import Measure, measure_in_process
from mnist_core.analysis.sweep_analysis import analyze_sweep
from mnist_core.records import Sweep, Trial, TrialStatus, Validation, json_value
from mnist_core.store.sweeps.kept_sweeps import Sweeps
from mnist_dashboard.inspection.requests import in_words, read_number, respond_json

GROWTH = 1.1
"""How many times as many trials must have ended before they are analyzed again, while a sweep is under way.

The forests take a core for seconds, which the trials need.
"""


@dataclass(frozen=True)
class _Answer:
    """The latest analysis of a sweep."""

    ended: int
    """Number of trials that had ended."""
    content: dict[str, Any]


class SweepAnalyses:
    """Analyzes sweeps for all viewers together, in the threads of their requests."""

    def __init__(self, sweeps: Sweeps, measure: Measure = measure_in_process) -> None:
        self._sweeps = sweeps
        self._measure = measure
        self._answers: dict[str, _Answer] = {}
        """By identity of the sweep."""
        self._computing = threading.Lock()

    def route(self) -> Route:
        """Return the route `/sweep-analysis.json`."""
        return Route("/sweep-analysis.json", in_words(self._respond))

    def _respond(self, request: Request) -> Response:
        """Return importance and good range of each setting, and the number of trials after which to ask again.

        `importance` is null if chance explains the results, or too few trials have ended; `message` says which.
        """
        sweep = self._sweeps.get_sweep(read_number(request.query_params, "sweep"))
        return respond_json(request, self._analyze(sweep))

    def _analyze(self, sweep: Sweep) -> dict[str, Any]:
        ended = self._sweeps.count_ended(sweep.id)
        if (answer := self._find(sweep, ended)) is not None:
            return answer.content
        if (earlier := self._answers.get(sweep.uid)) and self._computing.locked():
            return earlier.content  # another request computes the new one
        with self._computing:
            if (answer := self._find(sweep, ended)) is None:
                answer = _Answer(ended, self._compute(sweep, self._sweeps.list_trials(sweep.id), ended))
                self._answers[sweep.uid] = answer
        return answer.content

    def _find(self, sweep: Sweep, ended: int) -> _Answer | None:
        """Return the latest analysis if it is still good enough."""
        answer = self._answers.get(sweep.uid)
        if answer is None or answer.ended == ended:
            return answer
        return None if sweep.status.is_finished or ended >= answer.content["next"] else answer

    def _compute(self, sweep: Sweep, trials: Sequence[Trial], ended: int) -> dict[str, Any]:
        analysis = analyze_sweep(sweep, trials, self._list_validations(sweep, trials), self._measure)
        report = analysis.importance
        importances = [
            {"label": item.label, "share": item.share, "low": item.low, "high": item.high, "certain": item.is_certain}
            for item in (report.importances if report else ())
        ]
        return {
            "trials": analysis.trials,
            "next": max(ended + 1, round(GROWTH * ended)),
            "importance": report and {"explained": report.explained, "settings": importances},
            "message": analysis.message,
            "good_ranges": [json_value(item) for item in analysis.good_ranges],
        }

    def _list_validations(self, sweep: Sweep, trials: Sequence[Trial]) -> dict[int, list[Validation]]:
        """Return the evaluations of pruned trials, by number: the only ones without a result that have a place."""
        pruned = [trial.number for trial in trials if trial.status is TrialStatus.PRUNED]
        runs = {run.id: run for run in self._sweeps.list_runs(sweep.id, pruned)}
        validations: dict[int, list[Validation]] = {number: [] for number in pruned}
        for run_id, listed in self._sweeps.list_validations(list(runs)).items():
            validations[runs[run_id].trial or 0].extend(listed)
        return validations
