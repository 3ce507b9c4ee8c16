"""The changes of all runs since a reader's last query, which the live feed follows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sqlalchemy import Column, Connection, Engine, Row, func, select
from sqlalchemy.exc import DBAPIError

from mnist_core.errors import StoreError
from mnist_core.records import EvalMetrics, Run
from mnist_core.store import rows, sql
from mnist_core.store.codecs import step_codec
from mnist_core.store.schema import evaluation_columns, evaluations, runs, step_chunks


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A stored evaluation and its run."""

    run_id: int
    attempt: int
    row: Row[Any] = field(repr=False)

    @property
    def metrics(self) -> EvalMetrics:
        """Read the evaluation. Raises an exception if it is damaged."""
        return rows.evaluation_from_row(self.row)


@dataclass(frozen=True, slots=True)
class NewSteps:
    """Consecutive steps of one run, still packed: most readers need those of a few runs only."""

    run_id: int
    attempt: int
    first_step: int
    count: int
    packed: bytes = field(repr=False)

    def unpack(self) -> np.ndarray:
        """Return a structured array of `step_codec.STEP_COLUMNS`. Raises an exception if it is damaged."""
        return step_codec.unpack([(self.count, self.packed)])


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
    changed_runs = sql.read_runs(
        connection, select(runs).where(runs.c.revision > after.revision).order_by(runs.c.revision)
    )
    new_chunks = _fetch_rows(connection, [*step_chunks.columns], after.chunk_id)
    new_evaluations = _fetch_rows(connection, evaluation_columns, after.evaluation_id)
    return Changes(
        latest_cursor(connection),
        changed_runs,
        [NewSteps(row.run_id, row.attempt, row.first_step, row.steps, row.columns) for row in new_chunks],
        [Evaluation(row.run_id, row.attempt, row) for row in new_evaluations],
    )


def _fetch_rows(connection: Connection, columns: Sequence[Column[Any]], after: int) -> Sequence[Row[Any]]:
    """Return these columns, the id first, of the rows of one table with a higher id than `after`.

    Rows so damaged that they spoil a query are left out.
    """
    row_ids = columns[0]
    query = select(*columns).where(row_ids > after).order_by(row_ids)
    try:
        return connection.execute(query).all()
    except StoreError:
        raise
    except Exception:
        fetched = []
        for row_id in connection.execute(query.with_only_columns(row_ids)).scalars().all():
            with suppress(TypeError, ValueError, DBAPIError):
                fetched.append(connection.execute(select(*columns).where(row_ids == row_id)).one())
        return fetched


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
