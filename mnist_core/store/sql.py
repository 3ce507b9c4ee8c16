"""Statements that several methods of the store share. Each takes the connection of its caller's transaction."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from sqlalchemy import Connection, delete, func, insert, literal, select, update

from mnist_core.annotations import MAX_NAME_LENGTH
from mnist_core.errors import RunNotFoundError, RunStateError, StaleAttemptError
from mnist_core.records import ProcessIdentity, Run, RunStatus
from mnist_core.store import rows, step_codec
from mnist_core.store.schema import evaluations, orders, runs, step_chunks, test_sets

ACTIVE_STATUSES = [status for status in RunStatus if status.is_active]
NOT_DELETED = runs.c.deleted_at.is_(None)
"""Not in the bin."""
NEXT_REVISION = select(func.coalesce(func.max(runs.c.revision), 0) + 1).scalar_subquery()


def unused_name(connection: Connection, wanted: str) -> str:
    """The name, or the first of `name-2`, `name-3`, … that no run outside the bin has."""
    name, number = wanted, 1
    while connection.execute(select(runs.c.id).where((runs.c.name == name) & NOT_DELETED)).first():
        number += 1
        suffix = f"-{number}"
        name = wanted[: MAX_NAME_LENGTH - len(suffix)] + suffix
    return name


def delete_records_after(connection: Connection, run_id: int, step: int) -> None:
    """Delete the steps and evaluations of a run after `step`."""
    last = step_chunks.c.first_step + step_chunks.c.steps - 1
    for row in connection.execute(select(step_chunks).where((step_chunks.c.run_id == run_id) & (last > step))).all():
        mine = step_chunks.c.id == row.id
        kept = step + 1 - row.first_step
        if kept <= 0:
            connection.execute(delete(step_chunks).where(mine))
        else:
            packed = step_codec.pack_table(step_codec.unpack([(row.steps, row.columns)])[:kept])
            connection.execute(update(step_chunks).where(mine).values(steps=kept, columns=packed))
    connection.execute(delete(evaluations).where((evaluations.c.run_id == run_id) & (evaluations.c.step > step)))


def copy_records(connection: Connection, source: int, target: int) -> None:
    """Give a run the steps and evaluations of another."""
    for table in (step_chunks, evaluations):
        copied = [column for column in table.columns if column.name not in ("id", "run_id")]
        query = select(literal(target), *copied).where(table.c.run_id == source).order_by(table.c.id)
        connection.execute(insert(table).from_select(["run_id", *(column.name for column in copied)], query))


def result_columns_of(connection: Connection, run_id: int) -> dict[str, Any]:
    """The columns of results, from the evaluations that are left."""
    query = select(evaluations).where(evaluations.c.run_id == run_id).order_by(evaluations.c.id)
    left = [rows.evaluation_from_row(row) for row in connection.execute(query)]
    none = dict.fromkeys(("validation_accuracy", "best_validation_accuracy", "test_accuracy", "test_loss"))
    validations = [one.accuracy for one in left if one.split == "validation"]
    return none | rows.result_columns(left) | ({"best_validation_accuracy": max(validations)} if validations else {})


def claim(connection: Connection, run_id: int, trainer: ProcessIdentity) -> None:
    """Hand a run to a trainer as a new attempt; what an older attempt's trainer writes is refused from here on.

    Orders to an older attempt are gone with it; what is ordered from now on is obeyed, while it prepares as well.
    """
    connection.execute(delete(orders).where(orders.c.run_id == run_id))
    update_run(
        connection,
        run_id,
        status=RunStatus.PREPARING,
        attempt=runs.c.attempt + 1,
        started_at=time.time(),
        trainer_pid=trainer.pid,
        trainer_start_ticks=trainer.start_ticks,
        trainer_boot_id=trainer.boot_id,
    )


def request_stop(connection: Connection, run: Run) -> None:
    """Take it off the queue, or ask its trainer to end; nothing if it has ended."""
    if run.status is RunStatus.QUEUED:
        reason = "Taken off the queue."
        update_run(connection, run.id, status=RunStatus.STOPPED, finished_at=time.time(), reason=reason)
    elif run.status.is_active:
        update_run(connection, run.id, status=RunStatus.STOPPING)


def insert_run(connection: Connection, columns: dict[str, Any]) -> int:
    """Add a row to the table `runs`; returns its id."""
    query = insert(runs).values(revision=NEXT_REVISION, **columns).returning(runs.c.id)
    return int(connection.execute(query).scalar_one())


def update_run(connection: Connection, run_id: int, **values: Any) -> None:
    connection.execute(update(runs).where(runs.c.id == run_id).values(revision=NEXT_REVISION, **values))


def update_held_run(connection: Connection, run: Run, **values: Any) -> RunStatus:
    """Update a run on behalf of the attempt that holds it, and return its status."""
    mine = (runs.c.id == run.id) & (runs.c.attempt == run.attempt) & runs.c.status.in_(ACTIVE_STATUSES)
    statement = update(runs).where(mine).values(revision=NEXT_REVISION, **values).returning(runs.c.status)
    status = connection.execute(statement).scalar_one_or_none()
    if status is None:
        raise StaleAttemptError(
            f"Attempt {run.attempt} at {run.name} no longer holds the run: it has ended or was taken over. "
            "Nothing was written."
        )
    return RunStatus(status)


def get_run(connection: Connection, run_id: int) -> Run:
    row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    if row is None:
        raise RunNotFoundError(f"There is no run {run_id}.")
    return rows.run_from_row(row)


def get_undeleted_run(connection: Connection, run_id: int) -> Run:
    """A run that is not in the bin. Raises `RunStateError` if it is."""
    run = get_run(connection, run_id)
    if run.deleted_at is not None:
        raise RunStateError(f"{run.name} is in the bin. Restore it first.")
    return run


def save_test_labels(connection: Connection, checksum: str, labels: np.ndarray, *, is_from_here: bool) -> None:
    """Keep the labels (uint8) of a test set: those that a trainer has read go before what came with a file."""
    row = {"checksum": checksum, "labels": labels.tobytes()}
    connection.execute(insert(test_sets).prefix_with("OR REPLACE" if is_from_here else "OR IGNORE").values(row))


def compact_steps(connection: Connection, run_id: int) -> None:
    """Put all steps of a run into one chunk, which reads in a tenth of the time.

    It is the last of them that takes in the others: a reader who follows the chunks by their numbers, and has not seen
    that one yet, finds in it whatever it missed.
    """
    query = select(step_chunks).where(step_chunks.c.run_id == run_id).order_by(step_chunks.c.first_step)
    there = connection.execute(query).all()
    if len(there) < 2:
        return
    last = max(row.id for row in there)
    packed = step_codec.pack_table(step_codec.unpack((row.steps, row.columns) for row in there))
    values = {"first_step": there[0].first_step, "steps": sum(row.steps for row in there), "columns": packed}
    connection.execute(delete(step_chunks).where((step_chunks.c.run_id == run_id) & (step_chunks.c.id != last)))
    connection.execute(update(step_chunks).where(step_chunks.c.id == last).values(values))
