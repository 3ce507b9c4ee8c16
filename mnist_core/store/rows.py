"""Converts database rows to records and back. Contains no queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Row, func

from mnist_core.config import TrainConfig
from mnist_core.records import (
    NOT_ARCHIVED,
    Adjustment,
    Command,
    EvalMetrics,
    FileKind,
    LayerNorms,
    PendingCommand,
    Run,
    RunFile,
    RunStatus,
    encode_json,
)
from mnist_core.store.codecs import prediction_codec, step_codec
from mnist_core.store.schema import PART_FIELDS, PARTS, RUN_FIELDS, StoredField, runs

MAX_REASON_LENGTH = 200
"""Maximum number of characters of the error that a description of damage quotes."""


PLAIN_NAMES = {"config": "settings", "provenance": "record of its environment", "plan": "planned changes"}
"""What columns are called in sentences, where their own name is not plain."""


def column_values(**values: Any) -> dict[str, Any]:
    """Return the columns, and their stored values, of these fields of `Run`."""
    columns = {field.column: field.write(values.pop(field.name)) for field in RUN_FIELDS if field.name in values}
    for name, record in values.items():
        for field in PART_FIELDS[name]:
            columns[field.column] = None if record is None else field.write(getattr(record, field.name))
    return columns


def run_from_row(row: Any) -> Run:
    """Read the run in a row of the table `runs`; an attribute may be missing if it could not be fetched.

    Fields that cannot be read get their default, and `Run.damage` says so: one damaged row must not hide the others.
    """
    problems: dict[str, Exception] = {}
    values = _read_fields(row, RUN_FIELDS, problems)
    for name, (record, _) in PARTS.items():
        part = _read_fields(row, PART_FIELDS[name], problems)
        is_complete = len(part) == len(PART_FIELDS[name]) and part.get("pid") is not None
        values[name] = record(**part) if name != "trainer" or is_complete else None
    if not problems:
        return Run(**values)
    (name, error), *_ = problems.items()
    damage = describe_damage(f"Its {PLAIN_NAMES.get(name, name.replace('_', ' '))}", error)
    return Run(**{**_placeholders(row.id), **values, "damage": damage})


def _read_fields(row: Any, stored: Sequence[StoredField], problems: dict[str, Exception]) -> dict[str, Any]:
    """Return the fields that can be read, by name, and add the error of each other one to `problems`."""
    values = {}
    for field in stored:
        try:
            values[field.name] = field.read(row)
        except Exception as error:  # whatever a damaged value may cause, such as broken JSON or a setting out of range
            problems[field.column] = error
    return values


def _placeholders(run_id: int) -> dict[str, Any]:
    """Return values for the fields of `Run` that have no default."""
    never = datetime.fromtimestamp(0, UTC)
    return {
        "name": f"run-{run_id}",
        "status": RunStatus.FAILED,
        "config": TrainConfig(),
        "attempt": 0,
        "created_at": never,
    }


def describe_damage(part: str, error: Exception) -> str:
    """Return the text for `Run.damage`. `part` begins the sentence, such as `Its steps`."""
    reason = str(error)[:MAX_REASON_LENGTH].rstrip(".")
    return f"{part} cannot be read ({reason}). Delete the run, or restore a backup of the database."


def result_columns(evaluations: Sequence[EvalMetrics]) -> dict[str, Any]:
    """Return the columns of a run that new evaluations change; the database itself computes the new best."""
    columns: dict[str, Any] = {}
    validations = [evaluation.accuracy for evaluation in evaluations if evaluation.split == "validation"]
    if validations:
        columns["validation_accuracy"] = validations[-1]
        columns["best_validation_accuracy"] = func.max(func.coalesce(runs.c.best_validation_accuracy, 0), *validations)
    for evaluation in evaluations:
        if evaluation.split == "test":
            columns |= {"test_accuracy": evaluation.accuracy, "test_loss": evaluation.loss}
    return columns


def evaluation_row(run: Run, evaluation: EvalMetrics) -> dict[str, Any]:
    """Return the row of an evaluation by the trainer that holds `run`."""
    return {
        "run_id": run.id,
        "attempt": run.attempt,
        "step": evaluation.step,
        "epoch": evaluation.epoch,
        "split": evaluation.split,
        "loss": evaluation.loss,
        "accuracy": evaluation.accuracy,
        "elapsed_seconds": evaluation.elapsed_seconds,
        "confusion": step_codec.pack_confusion(evaluation.confusion),
        "predictions": evaluation.predictions.tobytes(),
        "probabilities": None if evaluation.probabilities is None else prediction_codec.pack(evaluation.probabilities),
    }


def imported_columns(run: Run) -> dict[str, Any]:
    """Return the columns of a run from an archive, without its results, which follow from its evaluations."""
    names = {field.name for field in fields(run)} - NOT_ARCHIVED
    return column_values(**{name: getattr(run, name) for name in names})


def norms_row(run_id: int, norms: LayerNorms) -> dict[str, Any]:
    """Return the row of a run's norms at one step."""
    return {
        "run_id": run_id,
        "step": norms.step,
        "layers": encode_json(norms.layers, compact=True),
        "norms": np.array([norms.weights, norms.gradients], "<f4").tobytes(),
    }


def norms_from_row(row: Row[Any]) -> LayerNorms:
    """Raises an exception for a value that cannot be that of norms; which one depends on the value."""
    layers = tuple(json.loads(row.layers))
    weights, gradients = np.frombuffer(row.norms, "<f4").reshape(2, len(layers)).tolist()
    if type(row.step) is not int or not all(isinstance(layer, str) for layer in layers):
        raise TypeError("a step is no number, or the name of a layer is no text")
    return LayerNorms(row.step, layers, tuple(weights), tuple(gradients))


def file_from_row(row: Row[Any]) -> RunFile:
    return RunFile(row.path, FileKind(row.kind), row.step, row.sha256)


def command_from_row(row: Row[Any]) -> PendingCommand:
    return PendingCommand(row.id, Command(row.command), row.given_by, Adjustment(**json.loads(row.adjustment)))


def evaluation_from_row(row: Row[Any]) -> EvalMetrics:
    """Read an evaluation, with its probabilities if the row has them.

    Raises an exception for a value that cannot be an evaluation's; which one depends on the value.
    """
    for number in (row.step, row.epoch, row.loss or 0.0, row.accuracy, row.elapsed_seconds):
        if type(number) not in (int, float):
            raise TypeError(f"{str(number)[:50]!r} is no number")
    if not 0 <= row.accuracy <= 1:
        raise ValueError(f"{row.accuracy} is no accuracy")
    packed = row._mapping.get("probabilities")
    return EvalMetrics(
        step=row.step,
        epoch=row.epoch,
        split=row.split,
        loss=float("nan") if row.loss is None else row.loss,
        accuracy=row.accuracy,
        confusion=step_codec.unpack_confusion(row.confusion),
        predictions=np.frombuffer(row.predictions, np.uint8),
        elapsed_seconds=row.elapsed_seconds,
        probabilities=None if packed is None else prediction_codec.unpack(packed, len(row.predictions)),
    )
