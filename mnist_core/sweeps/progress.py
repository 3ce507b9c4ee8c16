"""How far a sweep is, in numbers and in one sentence, from its record and its trials alone."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.formatting import MISSING, format_percent
from mnist_core.records import Sweep, SweepStatus, Trial, TrialRole, TrialStatus
from mnist_core.sweeps.spec import FRESH_SEEDS, OBJECTIVES, SweepSpec
from mnist_core.sweeps.trials.finals import final_trials, missing_finals
from mnist_core.sweeps.trials.results import ranked
from mnist_core.sweeps.verdict import SweepVerdict
from mnist_core.training.epoch_ends import EVALUATIONS_PER_EPOCH

MIN_ENDED = 5
"""Number of ended trials from which on the time that is left is estimated."""

RECENT = 10
"""Number of trials by whose time the runs with fresh seeds are estimated: the machine may have become busy."""

TRAINING_COST = 3
"""Time that an image takes in training, in that of an evaluation: the backward pass computes two gradients a layer."""

TEST_IMAGES = 1 / 6
"""Size of the test split, as a share of all training images."""


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """How far a sweep is. The counts are those of the search: winner and baseline are not among them."""

    ended: int
    """Number of trials that have ended, however they did."""
    counts: Mapping[TrialStatus, int]
    """Number of trials in each state."""
    best: Trial | None
    """The best trial by validation; None while none has completed."""
    trials_a_minute: float | None
    """None while none has ended."""
    seconds_left: float | None
    """Estimated time until the sweep ends, the runs that confirm the winner included; 0 once it has ended.

    None while fewer than `MIN_ENDED` trials have ended, or nothing trains because the sweep is paused or interrupted.
    """
    sentence: str


def find_progress(
    sweep: Sweep, trials: Sequence[Trial], verdict: SweepVerdict | None = None, *, now: datetime | None = None
) -> SweepProgress:
    """Return how far a sweep is. `trials` are all of its trials, `verdict` what `conclude` returned at its end."""
    spec, now = SweepSpec.of(sweep), now or datetime.now(UTC)
    search = [trial for trial in trials if trial.role is TrialRole.SEARCH]
    counts = {status: sum(trial.status is status for trial in search) for status in TrialStatus}
    ended = len(search) - counts[TrialStatus.RUNNING]
    best = ranked(spec, search)
    rate = _trials_a_minute(sweep, trials, now)
    return SweepProgress(
        ended=ended,
        counts=counts,
        best=best[0] if best else None,
        trials_a_minute=rate,
        seconds_left=_seconds_left(sweep, spec, trials, rate, now),
        sentence=_sentence(sweep, spec, trials, verdict),
    )


def confirming_seconds(spec: SweepSpec, trials: Sequence[Trial], finals: int | None = None) -> float:
    """Return how long trials with fresh seeds will take, by those that have ended, else by those of the search.

    `finals` is their number; None stands for all that confirm the best one. 0 while there is none. The median of the
    latest, not their mean: a pause during a trial counts as its time.
    """
    best = ranked(spec, trials)
    latest = sorted(best, key=lambda trial: trial.number)[-RECENT:]
    seconds = [trial.seconds for trial in latest if trial.seconds is not None]
    if not seconds:
        return 0.0
    finals = len(final_trials(spec, best[0].values)) if finals is None else finals
    run_seconds = (1 + _test_share(spec)) * statistics.median(seconds) / math.ceil(spec.seeds / spec.workers)
    confirmed = [trial for trial in trials if trial.role is not TrialRole.SEARCH and trial.number > latest[-1].number]
    if measured := [trial.seconds for trial in confirmed if trial.seconds is not None]:
        run_seconds = statistics.median(measured) / math.ceil(FRESH_SEEDS / spec.workers)
    return math.ceil(finals * FRESH_SEEDS / spec.workers) * run_seconds


def confirming_share(spec: SweepSpec) -> float:
    """Return how long trials with fresh seeds will take, in trials of the search: before any has ended."""
    values = {parameter.name: parameter.extremes[0] for parameter in spec.parameters}
    return len(final_trials(spec, values)) * FRESH_SEEDS / spec.seeds * (1 + _test_share(spec))


def _test_share(spec: SweepSpec) -> float:
    """Return how much longer a run takes with a test than without, as a share, by the number of images of each part."""
    settings = asdict(TrainConfig()) | dict(spec.fixed)
    validation = settings["validation_fraction"]
    training = TRAINING_COST * (1 - validation) * settings["train_fraction"]
    return TEST_IMAGES / float(settings["epochs"] * (training + EVALUATIONS_PER_EPOCH * validation))


def describe_values(values: Mapping[str, Any]) -> str:
    """Return values of settings in words: `learning rate 0.03, batch size 32`."""
    return ", ".join(f"{SETTINGS[name].sentence_label} {_format(name, value)}" for name, value in values.items())


def format_result(spec: SweepSpec, value: float | None) -> str:
    """Return the result of a trial as people read it."""
    if value is None:
        return MISSING
    match spec.objective:
        case "accuracy":
            return format_percent(value)
        case "loss":
            return f"{value:.4f}"
        case _:
            return f"{value:.2f} s"


def _format(name: str, value: Any) -> str:
    return SETTINGS[name].format(float(f"{value:.4g}") if isinstance(value, float) else value)


# ---------------------------------------------------------------------- time


def _trials_a_minute(sweep: Sweep, trials: Sequence[Trial], now: datetime) -> float | None:
    """Return the speed of the search: the time in which trials with fresh seeds train does not count."""
    ended = sum(trial.role is TrialRole.SEARCH and trial.status is not TrialStatus.RUNNING for trial in trials)
    confirming = [
        (trial.started_at.timestamp(), (trial.finished_at or now).timestamp())
        for trial in trials
        if trial.role is not TrialRole.SEARCH and trial.started_at
    ]
    seconds = sweep.elapsed_seconds - _covered_seconds(confirming)
    return 60 * ended / seconds if ended and seconds > 0 else None


def _covered_seconds(intervals: Sequence[tuple[float, float]]) -> float:
    """Return the time that is in at least one of these intervals of seconds."""
    covered, until = 0.0, -math.inf
    for start, end in sorted(intervals):
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered


def _seconds_left(
    sweep: Sweep, spec: SweepSpec, trials: Sequence[Trial], rate: float | None, now: datetime
) -> float | None:
    if sweep.status.is_finished:
        return 0.0
    search = [trial for trial in trials if trial.role is TrialRole.SEARCH]
    running = sum(trial.status is TrialStatus.RUNNING for trial in search)
    if sweep.status is not SweepStatus.RUNNING or rate is None or len(search) - running < MIN_ENDED:
        return None
    finals = [trial for trial in trials if trial.role is not TrialRole.SEARCH and trial.status is TrialStatus.RUNNING]
    confirming = confirming_seconds(spec, trials, len(missing_finals(spec, trials)) + len(finals))
    if finals:
        started_at = min(trial.started_at or now for trial in finals)
        return max(0.0, confirming - (now - started_at).total_seconds())
    searching = [math.inf]
    if spec.max_trials is not None:
        searching.append(60 * (spec.max_trials - len(search) + running / 2) / rate)
    if spec.minutes is not None:
        searching.append(60 * spec.minutes - sweep.elapsed_seconds - confirming)
    return max(0.0, min(searching)) + confirming


# ---------------------------------------------------------------------- the sentence


def _sentence(sweep: Sweep, spec: SweepSpec, trials: Sequence[Trial], verdict: SweepVerdict | None) -> str:
    search = [trial for trial in trials if trial.role is TrialRole.SEARCH]
    best = ranked(spec, search)
    if not best:
        return _without_result(sweep, search)
    named = f"trial {best[0].number}: {describe_values(best[0].values)}"
    if spec.objective == "time" and best[0].reason and sweep.status.is_finished:
        return (
            f"No trial reached {format_percent(spec.target)}; the best was {named}. Lower the target, or search by "
            f"{OBJECTIVES['accuracy'].lower()}."
        )
    won = f"Trial {best[0].number} won: {describe_values(best[0].values)}."
    if any(trial.role is not TrialRole.SEARCH and trial.status is TrialStatus.RUNNING for trial in trials):
        return f"{won} It trains again with {FRESH_SEEDS} fresh seeds, to be tested beside the settings it has to beat."
    if not sweep.status.is_finished:  # also one that was extended, whose best trial may be tested already
        return f"Best so far is {named}."
    if verdict and verdict.summary and verdict.winner.number == best[0].number:
        return (
            f"Trial {best[0].number} won: {verdict.short_sentence}"  # the values stand beside it, and phones are narrow
        )
    tests = [trial for trial in trials if (trial.role, trial.values) == (TrialRole.WINNER, best[0].values)]
    return f"{won} It has not been tested. {tests[-1].reason if tests else sweep.reason}".rstrip()


def _without_result(sweep: Sweep, search: Sequence[Trial]) -> str:
    """Say that no trial has completed, and why if the sweep has ended."""
    if not sweep.status.is_finished:
        has_ended = any(trial.status is not TrialStatus.RUNNING for trial in search)
        return "No trial has a result yet." if has_ended else "No trial has ended yet."
    words = [trial.status.word for trial in search]
    counted = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    if sweep.status is SweepStatus.COMPLETED:
        remedy = "Give the search more minutes or trials, or its trials fewer epochs."
        return f"The search ended before a trial had a result ({counted or 'none had started'}). {remedy}"
    return f"No trial has a result ({counted or 'none had started'}). {sweep.reason}".rstrip()
