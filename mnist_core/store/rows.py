"""Converts database rows to records and back. Contains no queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from sqlalchemy import Row, func

from mnist_core.records import (
    NOT_ARCHIVED,
    Adjustment,
    Command,
    EvalMetrics,
    FileKind,
    PendingCommand,
    Run,
    RunFile,
)
from mnist_core.store import step_codec
from mnist_core.store.schema import PART_FIELDS, PARTS, RUN_FIELDS, runs


def column_values(**values: Any) -> dict[str, Any]:
    """Return the columns, and their stored values, of these fields of `Run`."""
    columns = {field.column: field.write(values.pop(field.name)) for field in RUN_FIELDS if field.name in values}
    for name, record in values.items():
        for field in PART_FIELDS[name]:
            columns[field.column] = None if record is None else field.write(getattr(record, field.name))
    return columns


def run_from_row(row: Row[Any]) -> Run:
    """Read the run in a row of the table `runs`."""
    values = {field.name: field.read(row) for field in RUN_FIELDS}
    for name, (record, _) in PARTS.items():
        part = {field.name: field.read(row) for field in PART_FIELDS[name]}
        values[name] = None if name == "trainer" and part["pid"] is None else record(**part)
    return Run(**values)


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
    }


def imported_columns(run: Run) -> dict[str, Any]:
    """Return the columns of a run from an archive, without its results, which follow from its evaluations."""
    names = {field.name for field in fields(run)} - NOT_ARCHIVED
    return column_values(**{name: getattr(run, name) for name in names})


def file_from_row(row: Row[Any]) -> RunFile:
    return RunFile(row.path, FileKind(row.kind), row.step, row.sha256)


def command_from_row(row: Row[Any]) -> PendingCommand:
    return PendingCommand(row.id, Command(row.command), row.given_by, Adjustment(**json.loads(row.adjustment)))


def evaluation_from_row(row: Row[Any]) -> EvalMetrics:
    return EvalMetrics(
        step=row.step,
        epoch=row.epoch,
        split=row.split,
        loss=float("nan") if row.loss is None else row.loss,
        accuracy=row.accuracy,
        confusion=step_codec.unpack_confusion(row.confusion),
        predictions=np.frombuffer(row.predictions, np.uint8),
        elapsed_seconds=row.elapsed_seconds,
    )
