"""Prints the trials of a sweep: a line for each when it ends, a leaderboard, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mnist_core.formatting import format_duration
from mnist_core.records import Sweep, Trial, TrialRole, TrialStatus, encode_json, json_value
from mnist_core.store import RunStore
from mnist_core.sweeps.control import SweepEvent
from mnist_core.sweeps.progress import find_progress, format_result
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.trials.results import ranked
from mnist_core.sweeps.verdict import conclude
from mnist_core.system.terminal_text import pad

LEADERS = 10
"""Trials in the leaderboard of a terminal."""


class SweepPrinter:
    """Prints the events of one sweep."""

    def __init__(self, store: RunStore, sweep: Sweep, *, json: bool) -> None:
        self._store = store
        self._json = json
        self._spec = SweepSpec.of(sweep)

    def show(self, event: SweepEvent) -> None:
        if self._json:
            verdict = verdict_to_json(self._store, event) if isinstance(event, Sweep) else {}
            print(encode_json(event_to_json(event) | verdict), flush=True)
        elif isinstance(event, Trial):
            if event.status is not TrialStatus.RUNNING:
                print(self._line(event), flush=True)
        else:
            print(f"\n{leaderboard(self._spec, self._store.sweeps.list_trials(event.id))}")
            print(conclusion(self._store, event), file=sys.stderr)

    def _line(self, trial: Trial) -> str:
        limit = f"/{self._spec.max_trials}" if self._spec.max_trials and trial.role is TrialRole.SEARCH else ""
        is_done = trial.status is TrialStatus.COMPLETED
        result = format_result(self._spec, trial.value) if is_done else trial.status.word
        reason = f": {trial.reason}" if trial.reason else ""
        what = describe_values(trial) if trial.role is TrialRole.SEARCH else f"{trial.role} with fresh seeds"
        return f"{trial.number}{limit}  {pad(result, 9)}  {what}{reason}"


def leaderboard(spec: SweepSpec, trials: Sequence[Trial]) -> str:
    """Return the best trials, one a line, and how many there are of each other status."""
    best = ranked(spec, trials)
    lines = [
        f"{pad(str(place), 2, right=True)}  {pad(format_result(spec, trial.value), 9)}  trial {trial.number}  "
        f"{describe_values(trial)}"
        for place, trial in enumerate(best[:LEADERS], 1)
    ]
    searched = [trial for trial in trials if trial.role is TrialRole.SEARCH]
    counts = {status.word: sum(trial.status is status for trial in searched) for status in TrialStatus}
    lines.append(", ".join(f"{count} {word}" for word, count in counts.items() if count) or "No trial yet.")
    return "\n".join(lines)


def conclusion(store: RunStore, sweep: Sweep) -> str:
    """Return how a sweep has ended: its time, its best trial, and the verdict."""
    verdict = conclude(store, sweep)
    progress = find_progress(sweep, store.sweeps.list_trials(sweep.id), verdict)
    ended = f"{sweep.name} is {sweep.status.word} after {format_duration(sweep.elapsed_seconds)}. {progress.sentence}"
    return f"{ended}\nIn full: {verdict.sentence}" if verdict and verdict.sentence else ended


def verdict_to_json(store: RunStore, sweep: Sweep) -> dict[str, Any]:
    """Return the winner, its runs with fresh seeds, and the settings it was compared with, as an object of JSON."""
    verdict = conclude(store, sweep)
    if verdict is None:
        return {"winner": None, "verdict": None}
    return {
        "winner": event_to_json(verdict.winner),
        "winner_runs": [run.name for run in verdict.runs],
        "verdict": verdict.sentence,
        "compared_with": [
            {
                "role": rival.role,
                "runs": [run.name for run in rival.runs],
                "difference": rival.comparison and rival.comparison.difference,
                "interval": rival.comparison and [rival.comparison.low, rival.comparison.high],
                "p_value": rival.p_value,
                "verdict": rival.words,
            }
            for rival in verdict.rivals
        ],
    }


def event_to_json(event: SweepEvent) -> dict[str, Any]:
    """Return an event as an object of JSON, with its kind."""
    values: dict[str, Any] = json_value(asdict(event))
    hidden = ("sampler_state", "controller", "uid", "attempt")
    kind = "trial" if isinstance(event, Trial) else "sweep"
    return {"event": kind, **{name: value for name, value in values.items() if name not in hidden}}


def describe_values(trial: Trial) -> str:
    """Return the values of a trial: `lr 0.0312, batch_size 64`."""
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}" for name, value in trial.values.items()
    )
