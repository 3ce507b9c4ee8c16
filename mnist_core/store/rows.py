"""Database rows to records and back; no queries."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
from sqlalchemy import Row, func

from mnist_core.config import TrainConfig
from mnist_core.records import (
    Adjustment,
    Command,
    EvalMetrics,
    Intervention,
    PendingCommand,
    ProcessIdentity,
    Progress,
    Provenance,
    Results,
    Run,
    RunStatus,
)
from mnist_core.store import step_codec
from mnist_core.store.schema import runs


def progress_columns(progress: Progress) -> dict[str, Any]:
    columns = {name: getattr(progress, name) for name in Progress.__slots__}
    if progress.live_confusion is not None:
        columns["live_confusion"] = step_codec.pack_confusion(progress.live_confusion)
    return columns


def result_columns(evaluations: Sequence[EvalMetrics]) -> dict[str, Any]:
    """What new evaluations change in their run's row; the best so far is taken in the database itself."""
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


_IMPORTED = (
    *("status", "attempt", "reason", "notice", "dataset", "train_images", "validation_images", "test_images"),
    *("total_steps", "parent_step", "device", "threads", "notes", "starred", "archived"),
)
"""Fields of a run that are kept as they are when it comes from elsewhere."""


def imported_columns(run: Run) -> dict[str, Any]:
    """The columns of a run that was recorded elsewhere: without what only means something there, and not in the bin."""
    times = {name: getattr(run, name) for name in ("created_at", "started_at", "finished_at")}
    return {
        **{name: getattr(run, name) for name in _IMPORTED},
        **{name: moment and moment.timestamp() for name, moment in times.items()},
        "config": json.dumps(asdict(run.config)),
        "interventions": interventions_to_json(run.interventions),
        "plan": interventions_to_json(run.plan),
        "tags": json.dumps(run.tags),
        "provenance": json.dumps(asdict(run.provenance)) if run.provenance else None,
        "curve": np.array(run.curve, "<f4").tobytes(),
        **progress_columns(run.progress),
    }


def run_from_row(row: Row[Any]) -> Run:
    return Run(
        id=row.id,
        name=row.name,
        status=RunStatus(row.status),
        config=TrainConfig(**json.loads(row.config)),
        attempt=row.attempt,
        created_at=datetime.fromtimestamp(row.created_at, UTC),
        started_at=_datetime(row.started_at),
        finished_at=_datetime(row.finished_at),
        reason=row.reason,
        notice=row.notice,
        dataset=row.dataset,
        train_images=row.train_images,
        validation_images=row.validation_images,
        test_images=row.test_images,
        total_steps=row.total_steps,
        interventions=interventions_from_json(row.interventions),
        plan=interventions_from_json(row.plan),
        parent_id=row.parent_id,
        parent_step=row.parent_step,
        device=row.device,
        threads=row.threads,
        trainer=_trainer(row),
        model_file=row.model_file,
        progress=Progress(
            row.step,
            row.epoch,
            row.loss,
            row.accuracy,
            row.examples_per_second,
            row.elapsed_seconds,
            step_codec.unpack_confusion(row.live_confusion) if row.live_confusion else None,
        ),
        results=Results(row.validation_accuracy, row.best_validation_accuracy, row.test_accuracy, row.test_loss),
        notes=row.notes,
        tags=tuple(json.loads(row.tags)),
        starred=row.starred,
        archived=row.archived,
        deleted_at=_datetime(row.deleted_at),
        provenance=Provenance(**json.loads(row.provenance)) if row.provenance else None,
        curve=tuple(np.frombuffer(row.curve, "<f4").tolist()),
        revision=row.revision,
    )


def interventions_to_json(interventions: Sequence[Intervention]) -> str:
    return json.dumps([{**asdict(one), "at": one.at.timestamp()} for one in interventions])


def interventions_from_json(text: str) -> tuple[Intervention, ...]:
    return tuple(Intervention(**{**one, "at": datetime.fromtimestamp(one["at"], UTC)}) for one in json.loads(text))


def command_from_row(row: Row[Any]) -> PendingCommand:
    return PendingCommand(row.id, Command(row.command), row.given_by, Adjustment(**json.loads(row.adjustment)))


def _trainer(row: Row[Any]) -> ProcessIdentity | None:
    if row.trainer_pid is None:
        return None
    return ProcessIdentity(row.trainer_pid, row.trainer_start_ticks, row.trainer_boot_id)


def _datetime(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


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
