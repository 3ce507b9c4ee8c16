"""Everything but the trials that browsers get of a search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mnist_core.config import SETTINGS
from mnist_core.records import Sweep, Trial, round_number
from mnist_core.sweeps.control import shown_status
from mnist_core.sweeps.progress import find_progress, format_result
from mnist_core.sweeps.space import Parameter, Range
from mnist_core.sweeps.spec import PRUNERS, SAMPLERS, SweepSpec
from mnist_core.sweeps.verdict import Rival, SweepVerdict

_PRUNER_WORDS = {"none": "no pruner", "median": "median pruner"}
"""How pruners are called within a list; the others are names."""


def describe_sweep(
    sweep: Sweep, spec: SweepSpec, trials: Sequence[Trial], verdict: SweepVerdict | None
) -> dict[str, Any]:
    """Return the fields of a search, as JSON values. `verdict` is what fresh seeds say of its winner."""
    progress = find_progress(sweep, trials, verdict)
    best, rate, left = progress.best, progress.trials_a_minute, progress.seconds_left
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
        "left": None if left is None else round(left),
        "trials_a_minute": None if rate is None else round_number(rate, 3),
        "counts": {"ended": progress.ended} | {status.value: count for status, count in progress.counts.items()},
        "best": None if best is None else _describe_best(spec, best),
        "sentence": progress.sentence,
        "verdict": "" if verdict is None else verdict.sentence,
        "rivals": {rival.role.value: _describe_rival(rival) for rival in verdict.rivals} if verdict else {},
    }


def describe_method(spec: SweepSpec) -> str:
    """Return in a few words how a search is carried out: `TPE, median pruner, 2 epochs a trial`."""
    searched = {parameter.name for parameter in spec.parameters}
    epochs = spec.fixed.get("epochs", SETTINGS["epochs"].default)
    fraction = spec.fixed.get("train_fraction", 1.0)
    parts = (
        SAMPLERS[spec.sampler],
        _PRUNER_WORDS.get(spec.pruner, PRUNERS[spec.pruner]),
        "" if "epochs" in searched else f"{epochs} epoch{'' if epochs == 1 else 's'} a trial",
        f"{spec.seeds} seeds a trial" if spec.seeds > 1 else "",
        f"{100 * fraction:.3g} % of the training images" if fraction < 1 else "",
    )
    return ", ".join(filter(None, parts))


def _describe_best(spec: SweepSpec, best: Trial) -> dict[str, Any]:
    return {"trial": best.number, "value": best.value, "text": format_result(spec, best.value)}


def _describe_rival(rival: Rival) -> str:
    """Say whether the winner is better than other settings, or why that cannot be told."""
    return f"The winner is {rival.words}." if rival.comparison else f"{rival.words[0].upper()}{rival.words[1:]}."


def _describe_parameter(parameter: Parameter) -> dict[str, Any]:
    described: dict[str, Any] = {"name": parameter.name, "label": SETTINGS[parameter.name].label}
    if isinstance(parameter, Range):
        return {**described, "low": parameter.low, "high": parameter.high, "log": parameter.log, "values": None}
    return {**described, "low": None, "high": None, "log": False, "values": list(parameter.values)}
