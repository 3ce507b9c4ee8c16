"""The changes of all runs since a reader's last query, which the live feed follows."""

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
    """A stored evaluation and its run."""

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
    """Position of a reader in the stream of changes; `read_changes` returns newer ones."""

    revision: int = 0
    chunk_id: int = 0
    evaluation_id: int = 0


@dataclass(frozen=True, slots=True)
class Changes:
    """Everything committed after a cursor, and the cursor to continue from."""

    cursor: Cursor
    runs: list[Run] = field(default_factory=list)
    steps: list[NewSteps] = field(default_factory=list)
    evaluations: list[Evaluation] = field(default_factory=list)


def read_changes(connection: Connection, after: Cursor) -> Changes:
    """Return everything committed after the cursor `after`, read at one instant."""
    changed_runs = connection.execute(
        select(runs).where(runs.c.revision > after.revision).order_by(runs.c.revision)
    ).all()
    new_chunks = connection.execute(
        select(step_chunks).where(step_chunks.c.id > after.chunk_id).order_by(step_chunks.c.id)
    ).all()
    new_evaluations = connection.execute(
        select(evaluations).where(evaluations.c.id > after.evaluation_id).order_by(evaluations.c.id)
    ).all()
    cursor = Cursor(
        changed_runs[-1].revision if changed_runs else after.revision,
        new_chunks[-1].id if new_chunks else after.chunk_id,
        new_evaluations[-1].id if new_evaluations else after.evaluation_id,
    )
    return Changes(
        cursor,
        [rows.run_from_row(row) for row in changed_runs],
        [
            NewSteps(row.run_id, row.attempt, row.first_step, step_codec.unpack([(row.steps, row.columns)]))
            for row in new_chunks
        ],
        [Evaluation(row.run_id, row.attempt, rows.evaluation_from_row(row)) for row in new_evaluations],
    )


def latest_cursor(connection: Connection) -> Cursor:
    """Return a cursor after everything committed so far."""

    def newest(column: Any) -> int:
        return int(connection.execute(select(func.coalesce(func.max(column), 0))).scalar_one())

    return Cursor(newest(runs.c.revision), newest(step_chunks.c.id), newest(evaluations.c.id))


class ChangeWatch:
    """Detects commits by any other connection, in any process. A check takes about 0.1 ms.

    The counter belongs to one connection, which stays open: https://sqlite.org/pragma.html#pragma_data_version
    """

    def __init__(self, engine: Engine) -> None:
        self._connection = engine.raw_connection()
        self._last_version: int | None = None

    def has_new_commits(self) -> bool:
        """Whether anything was committed since the last call; true at the first call."""
        cursor = self._connection.cursor()
        version = cursor.execute("PRAGMA data_version").fetchone()[0]
        cursor.close()
        has_changed: bool = version != self._last_version
        self._last_version = version
        return has_changed

    def close(self) -> None:
        self._connection.close()
