"""Reads evaluations: whole, as a list without their predictions, or what each of them predicted for one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select

from mnist_core.errors import EvaluationNotFoundError
from mnist_core.records import EvalMetrics, decode_probabilities
from mnist_core.store import rows
from mnist_core.store.codecs import prediction_codec
from mnist_core.store.schema import evaluation_columns, evaluations


@dataclass(frozen=True, slots=True)
class StoredEvaluation:
    """An evaluation without its predictions, which a page lists."""

    id: int
    """Never used again for another evaluation, not even after a rewind."""
    step: int
    epoch: int
    split: str
    loss: float
    """NaN if the network computed no number."""
    accuracy: float
    images: int
    has_probabilities: bool


@dataclass(frozen=True, slots=True)
class ImagePrediction:
    """What one evaluation predicted for one image."""

    evaluation_id: int
    step: int
    label: int
    probability: float | None
    """That of `label`, up to `records.MAX_CODING_ERROR`; None if the evaluation kept labels alone."""


def read_all(connection: Connection, run_id: int, *, probabilities: bool) -> list[EvalMetrics]:
    """Return the evaluations of a run, in the order of their steps."""
    columns = evaluations.columns if probabilities else evaluation_columns
    query = select(*columns).where(evaluations.c.run_id == run_id)
    query = query.order_by(evaluations.c.step, evaluations.c.id)
    return [rows.evaluation_from_row(row) for row in connection.execute(query)]


def read_heads(connection: Connection, run_id: int) -> list[StoredEvaluation]:
    """Return the evaluations of a run without their predictions, in order."""
    table = evaluations.c
    names = ("id", "step", "epoch", "split", "loss", "accuracy")
    query = (
        select(
            *(table[name] for name in names),
            func.length(table.predictions).label("images"),
            table.probabilities.is_not(None).label("has_probabilities"),
        )
        .where(table.run_id == run_id)
        .order_by(table.step, table.id)
    )
    return [_read_head(row) for row in connection.execute(query)]


def _read_head(row: Any) -> StoredEvaluation:
    loss = float("nan") if row.loss is None else row.loss
    for number in (row.step, row.epoch, loss, row.accuracy):
        if type(number) not in (int, float):
            raise TypeError(f"{str(number)[:50]!r} is no number")
    return StoredEvaluation(
        row.id, row.step, row.epoch, row.split, loss, row.accuracy, row.images, bool(row.has_probabilities)
    )


def get_evaluation(connection: Connection, run_id: int, evaluation_id: int) -> EvalMetrics:
    """Return an evaluation of a run with its probabilities. Raises `EvaluationNotFoundError`."""
    is_wanted = (evaluations.c.run_id == run_id) & (evaluations.c.id == evaluation_id)
    found = connection.execute(select(evaluations).where(is_wanted)).one_or_none()
    if found is None:
        raise EvaluationNotFoundError(f"Run {run_id} has no evaluation {evaluation_id}.")
    return rows.evaluation_from_row(found)


def read_image(connection: Connection, run_id: int, split: str, image: int) -> list[ImagePrediction]:
    """Return what each evaluation on a split predicted for the image at this index, in order.

    Evaluations on fewer images are left out.
    """
    table = evaluations.c
    query = (
        select(table.id, table.step, table.predictions, table.probabilities)
        .where((table.run_id == run_id) & (table.split == split) & (func.length(table.predictions) > image))
        .order_by(table.step, table.id)
    )
    return [_read_image(row, image) for row in connection.execute(query)]


def _read_image(row: Any, image: int) -> ImagePrediction:
    labels: Sequence[int] = row.predictions  # bytes
    probability = None
    if row.probabilities is not None:
        levels = prediction_codec.unpack(row.probabilities, len(labels))
        probability = float(decode_probabilities(levels[image, labels[image]]))
    return ImagePrediction(row.id, row.step, labels[image], probability)
