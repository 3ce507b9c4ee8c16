"""The order of the queued runs. Each function runs in its caller's transaction.

Queued runs start in the order of `Run.queue_order`. All have rank 0 until somebody moves one; a move numbers them all.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, func, select

from mnist_core.config import TrainConfig
from mnist_core.errors import RunStateError
from mnist_core.records import Run, RunStatus
from mnist_core.store import rows, sql
from mnist_core.store.schema import runs

_IS_QUEUED = runs.c.status == RunStatus.QUEUED

LAST_RANK = select(func.coalesce(func.max(runs.c.queue_rank), 0)).where(_IS_QUEUED).scalar_subquery()
"""The rank that puts a new run, which has the highest id, behind all queued ones."""

_QUEUED_AGAIN: dict[str, Any] = {"status": RunStatus.QUEUED, "finished_at": None, "reason": ""}
"""The columns that make an ended run a queued one."""


def add(connection: Connection, config: TrainConfig, name: str, **columns: Any) -> int:
    """Insert a run at the end of the queue, named by its number if `name` is empty. Return its id."""
    values = rows.column_values(
        name=name or f"unnamed {time.time_ns()}",
        status=RunStatus.QUEUED,
        config=config,
        attempt=0,
        created_at=datetime.now(UTC),
        **columns,
    )
    run_id = sql.insert_run(connection, values | {"queue_rank": LAST_RANK})
    if not name:
        sql.update_run(connection, run_id, name=sql.unused_name(connection, f"run-{run_id}"))
    return run_id


def resume(connection: Connection, run_id: int) -> None:
    """Queue an interrupted run again, first. Raises `RunStateError` for other runs."""
    run = sql.get_undeleted_run(connection, run_id)
    sql.check_sound(run)
    if run.status is not RunStatus.INTERRUPTED:
        raise RunStateError(f"{run.name} is {run.status.word}: only an interrupted run can be resumed.")
    sql.update_run(connection, run_id, **_QUEUED_AGAIN, queue_rank=0)


def remove(connection: Connection, run_id: int) -> None:
    """Take a queued run off the queue. Raises `RunStateError` if it is not queued."""
    run = sql.get_run(connection, run_id)
    if run.status is not RunStatus.QUEUED:
        raise RunStateError(f"{run.name} is {run.status.word}: it is not in the queue any more.")
    sql.request_stop(connection, run)


def put_back(connection: Connection, run_id: int) -> None:
    """Queue a run that was removed from the queue where it was. Raises `RunStateError` for other runs."""
    run = sql.get_undeleted_run(connection, run_id)
    sql.check_sound(run)
    if not run.was_removed_from_queue:
        raise RunStateError(f"{run.name} is {run.status.word}: only a run removed from the queue can return to it.")
    sql.update_run(connection, run_id, **_QUEUED_AGAIN)


def move(connection: Connection, run_id: int, *, before: int | None, after: int | None) -> None:
    """Move a queued run next to another one, and number the queue anew from 1.

    The place is relative to another run, not a number: the queue may have moved on since the person saw it. Nothing
    changes if that run is not queued any more, or if the moved run is on the wanted side of it already.
    Raises `RunStateError` if the run itself is not queued.
    """
    ranks = {row.id: row.queue_rank for row in connection.execute(_queue_query())}
    if run_id not in ranks:
        run = sql.get_run(connection, run_id)
        raise RunStateError(f"{run.name} is {run.status.word}: only a queued run can be moved.")
    order = list(ranks)
    other = before if before is not None else after
    if other is None or other == run_id or other not in ranks:
        return
    if (order.index(run_id) < order.index(other)) == (before is not None):
        return
    order.remove(run_id)
    order.insert(order.index(other) + (before is None), run_id)
    for rank, queued_id in enumerate(order, 1):
        if ranks[queued_id] != rank:
            sql.update_run(connection, queued_id, queue_rank=rank)


def queued_together(connection: Connection, run_id: int) -> list[Run]:
    """Return the queued runs that one trainer claims with this one, oldest first: itself, or the lanes of its race."""
    run = sql.get_run(connection, run_id)
    which = (runs.c.id == run_id) if run.race_id is None else (runs.c.race_id == run.race_id)
    return sql.read_runs(connection, select(runs).where(which & _IS_QUEUED).order_by(runs.c.id))


def _queue_query() -> Any:
    return select(runs.c.id, runs.c.queue_rank).where(_IS_QUEUED).order_by(runs.c.queue_rank, runs.c.id)
