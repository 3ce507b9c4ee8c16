"""Converts runs to JSON values and back. `field_readers` checks every field on the way back."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import numpy as np

from mnist_core.exports.field_readers import (
    INFINITY,
    MAX_TEXT,
    read_count,
    read_flag,
    read_list,
    read_loss,
    read_record,
)
from mnist_core.records import (
    NOT_ARCHIVED,
    EvalMetrics,
    LayerNorms,
    Run,
    RunStatus,
    json_value,
)

MAX_EVALUATIONS = 10_000
MAX_NORMS = 20_000
"""More than the steps at which norms are measured, and those of all evaluations."""


def _with_parent_step(values: dict[str, Any]) -> dict[str, Any]:
    """Early archives of version 1 lack the step; they hold the results instead, which follow from the evaluations."""
    return {"parent_step": None, **values}


def _with_smoothing_and_shift(values: dict[str, Any]) -> dict[str, Any]:
    """Archives of version 2 have neither setting."""
    if not isinstance(values.get("config"), dict):
        return values
    return {**values, "config": {"label_smoothing": 0.0, "max_shift": 0, **values["config"]}}


def _without_command(values: dict[str, Any]) -> dict[str, Any]:
    """Archives of version 3 hold the command that repeats a run; it follows from the settings."""
    provenance = values.get("provenance")
    if not isinstance(provenance, dict):
        return values
    return {**values, "provenance": {name: value for name, value in provenance.items() if name != "command"}}


def _with_last_batch(values: dict[str, Any]) -> dict[str, Any]:
    """Archives of version 4 lack the setting: the last batch of an epoch was kept."""
    if not isinstance(values.get("config"), dict):
        return values
    return {**values, "config": {"last_batch": "keep", **values["config"]}}


def _with_augmentation_and_parameters(values: dict[str, Any]) -> dict[str, Any]:
    """Archives of version 5 have neither, nor networks of users; a shift above 0 means the augmentation `shift`."""
    new: dict[str, dict[str, Any]] = {
        "config": {
            "augmentation": "none",
            "skip_norms": False,
            "skip_test": False,
            "train_fraction": 1.0,
            "patience": 0,
            "monitor": "loss",
            "min_delta": 0.0,
        },
        "provenance": {"network_checksum": "", "parameters": 0},
    }
    return values | {name: new[name] | values[name] for name in new if isinstance(values.get(name), dict)}


UPGRADES: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    _with_parent_step,
    _with_smoothing_and_shift,
    _without_command,
    _with_last_batch,
    _with_augmentation_and_parameters,
)
"""The n-th function brings a run's JSON from version n of the archive to version n + 1."""


def upgrade_run(values: object, version: int) -> object:
    """Bring what `run_to_json` of an earlier version wrote to the current version, without checking it."""
    if not isinstance(values, dict):
        return values
    return functools.reduce(lambda upgraded, upgrade: upgrade(upgraded), UPGRADES[version - 1 :], values)


def run_to_json(run: Run) -> dict[str, Any]:
    """Return every field of a run that means something on another machine.

    None stands for NaN, and `"Infinity"` for infinity. Times ascend, also if the clock was set back during the run, and
    a reason or notice that is too long is cut.
    """
    values = {field.name: json_value(getattr(run, field.name)) for field in fields(run)}
    values["attempt"] = max(run.attempt, 1)
    values["curve"] = [_number_to_json(number) for number in run.curve]
    values["progress"]["loss"] = _number_to_json(run.progress.loss)
    latest = values["created_at"]
    for name in ("started_at", "finished_at"):
        if values[name] is not None:
            latest = values[name] = max(values[name], latest)
    for name in ("reason", "notice"):
        values[name] = values[name][:MAX_TEXT]
    if run.status is RunStatus.INTERRUPTED:  # its checkpoints stay behind, so it cannot be resumed there
        values["status"] = RunStatus.STOPPED.value
    return {name: value for name, value in values.items() if name not in NOT_ARCHIVED}


def evaluations_to_json(evaluations: Sequence[EvalMetrics]) -> list[dict[str, Any]]:
    """Return every field of the evaluations; of what they predicted only the number of images."""
    names = ("step", "epoch", "split", "accuracy", "confusion", "elapsed_seconds")
    return [
        {
            **{name: json_value(getattr(evaluation, name)) for name in names},
            "loss": _number_to_json(evaluation.loss),
            "images": len(evaluation.predictions),
            "has_probabilities": evaluation.probabilities is not None,
        }
        for evaluation in evaluations
    ]


def norms_to_json(norms: Sequence[LayerNorms]) -> list[dict[str, Any]]:
    """Return the norms by layer; None stands for a number that is not finite."""
    values: list[dict[str, Any]] = json_value(list(norms))
    return values


def norms_from_json(values: object) -> tuple[LayerNorms, ...]:
    """Return the norms that `norms_to_json` wrote. Raises `ValueError` or `TypeError` if a field is not acceptable."""
    return tuple(read_record(LayerNorms, item) for item in read_list(values, MAX_NORMS))


def _number_to_json(value: float | None) -> float | str | None:
    if value is None or math.isnan(value):
        return None
    return value if math.isfinite(value) else INFINITY if value > 0 else f"-{INFINITY}"


def run_from_json(values: object) -> Run:
    """Return the run that `run_to_json` wrote, without results and outside any store.

    Raises `ValueError`, `TypeError`, `OverflowError` or `ConfigError` if a field is missing or not acceptable.
    """
    run = read_record(Run, values, skipped=NOT_ARCHIVED, id=0)
    if not run.status.is_finished:
        raise ValueError(f"status {run.status}")
    return run


def evaluations_from_json(values: object, predictions: np.ndarray, levels: np.ndarray) -> tuple[EvalMetrics, ...]:
    """Return the evaluations that `evaluations_to_json` wrote.

    `predictions` are those of all of them, in order, and `levels` the levels of those that kept probabilities, which
    archives before version 6 do not mention. Both are uint8 of one dimension. Raises `ValueError`, `TypeError` or
    `KeyError` if a field is missing or not acceptable.
    """
    evaluations, start, start_levels = [], 0, 0
    for item in read_list(values, MAX_EVALUATIONS):
        if not isinstance(item, dict):
            raise TypeError("EvalMetrics is no object")
        images = read_count(item["images"])
        predicted = predictions[start : start + images]
        start += images
        if len(predicted) != images or (images and predicted.max() > 9):
            raise ValueError("predictions are missing, or are no digits")
        probabilities = None
        if read_flag(item.get("has_probabilities", False)):
            end_levels = start_levels + 10 * images
            if end_levels > len(levels):
                raise ValueError("probabilities are missing")
            probabilities, start_levels = levels[start_levels:end_levels].reshape(images, 10), end_levels
        loss = read_loss(item["loss"])
        known = {"loss": loss, "predictions": predicted, "probabilities": probabilities}
        evaluations.append(read_record(EvalMetrics, item, skipped=tuple(known), **known))
    if start != len(predictions) or start_levels != len(levels):
        raise ValueError("some predictions or probabilities belong to no evaluation")
    return tuple(evaluations)
