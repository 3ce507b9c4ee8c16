"""What was committed since a reader last looked, over all runs: how the live feed follows the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, func, select

from mnist_core.records import EvalMetrics, Run
from mnist_core.store import rows, step_codec
from mnist_core.store.schema import evaluations, runs, step_chunks


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One stored evaluation; see `EvalMetrics`."""

    run_id: int
    attempt: int
    metrics: EvalMetrics


@dataclass(frozen=True, slots=True)
class NewSteps:
    """Consecutive steps of one run, as a structured array of `step_codec.STEP_COLUMNS`."""

    run_id: int
    attempt: int
    first_step: int
    table: np.ndarray


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a reader has read; ask `read_changes` for what is newer."""

    revision: int = 0
    chunk_id: int = 0
    evaluation_id: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """What was committed since a cursor."""

    cursor: Cursor
    runs: list[Run] = field(default_factory=list)
    steps: list[NewSteps] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)


def read_changes(connection: Connection, after: Cursor) -> Changes:
    """Everything committed since `after`, read at one instant."""
    changed = connection.execute(select(runs).where(runs.c.revision > after.revision).order_by(runs.c.revision)).all()
    new_chunks = connection.execute(
        select(step_chunks).where(step_chunks.c.id > after.chunk_id).order_by(step_chunks.c.id)
    ).all()
    new_evaluations = connection.execute(
        select(evaluations).where(evaluations.c.id > after.evaluation_id).order_by(evaluations.c.id)
    ).all()
    cursor = Cursor(
        changed[-1].revision if changed else after.revision,
        new_chunks[-1].id if new_chunks else after.chunk_id,
        new_evaluations[-1].id if new_evaluations else after.evaluation_id,
    )
    return Changes(
        cursor,
        [rows.run_from_row(row) for row in changed],
        [
            NewSteps(row.run_id, row.attempt, row.first_step, step_codec.unpack([(row.steps, row.columns)]))
            for row in new_chunks
        ],
        [Evaluation(row.run_id, row.attempt, rows.evaluation_from_row(row)) for row in new_evaluations],
    )


def latest_cursor(connection: Connection) -> Cursor:
    """The cursor from which `read_changes` returns only what is committed from now on."""

    def newest(column: Any) -> int:
        return int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one())

    return Cursor(newest(runs.c.revision), newest(step_chunks.c.id), newest(evaluations.c.id))


class ChangeWatch:
    """Tells whether any other connection, in any process, has committed since the last look (about 0.1 ms a look).

    https://sqlite.org/pragma.html#pragma_data_version; the counter belongs to one connection, which is kept open.
    """

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.raw_connection()
        self._seen: int | None = None

    def moved(self) -> bool:
        cursor = self._connection.cursor()
        version = cursor.execute("PRAGMA data_version").fetchone()[0]
        cursor.close()
        moved: bool = version != self._seen
        self._seen = version
        return moved

    def close(self) -> None:
        self._connection.close()
