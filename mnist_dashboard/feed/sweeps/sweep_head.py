"""Everything but the trials that browsers get of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnist_core.config import SETTINGS
from mnist_core.records import Sweep, Trial, TrialRole, TrialStatus, round_number
from mnist_core.sweeps.control import shown_status
from mnist_core.sweeps.space import Parameter, Range
from mnist_core.sweeps.spec import PRUNERS, SAMPLERS, SweepSpec
from mnist_core.sweeps.trials.results import ranked


def describe_sweep(sweep: Sweep, spec: SweepSpec, trials: Sequence[Trial], verdict: str) -> dict[str, Any]:
    """Return the fields of a search, as JSON values."""
    searched = [trial for trial in trials if trial.role is TrialRole.SEARCH]
    counts = {status.value: sum(trial.status is status for trial in searched) for status in TrialStatus}
    ended = len(searched) - counts["running"]
    best = ranked(spec, searched)[:1]
    minutes = sweep.elapsed_seconds / 60
    return {
        "sweep": sweep.id,
        "name": sweep.name,
        "status": shown_status(sweep).value,
        "reason": sweep.reason,
        "objective": spec.objective,
        "target": spec.target,
        "detail": describe_method(spec),
        "parameters": [_describe_parameter(parameter) for parameter in spec.parameters],
        "max_trials": spec.max_trials,
        "minutes": spec.minutes,
        "workers": spec.workers,
        "elapsed": round(sweep.elapsed_seconds, 1),
        "left": None,
        "trials_a_minute": round_number(ended / minutes, 3) if ended and minutes else None,
        "counts": {"ended": ended, **counts},
        "best": {"trial": best[0].number, "value": best[0].value} if best else None,
        "sentence": "",
        "verdict": verdict,
    }


def describe_method(spec: SweepSpec) -> str:
    """Return in a few words how a search is carried out: `TPE, median pruner, 2 epochs a trial`."""
    searched = {parameter.name for parameter in spec.parameters}
    epochs = spec.fixed.get("epochs", SETTINGS["epochs"].default)
    fraction = spec.fixed.get("train_fraction", 1.0)
    parts = (
        SAMPLERS[spec.sampler],
        "no pruner" if spec.pruner == "none" else f"{PRUNERS[spec.pruner]} pruner",
        "" if "epochs" in searched else f"{epochs} epoch{'' if epochs == 1 else 's'} a trial",
        f"{spec.seeds} seeds a trial" if spec.seeds > 1 else "",
        f"{100 * fraction:.3g} % of the training images" if fraction < 1 else "",
    )
    return ", ".join(filter(None, parts))


def _describe_parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {"name": parameter.name, "label": SETTINGS[parameter.name].label}
    if isinstance(parameter, Range):
        return {**described, "low": parameter.low, "high": parameter.high, "log": parameter.log, "values": None}
    return {**described, "low": None, "high": None, "log": False, "values": list(parameter.values)}
