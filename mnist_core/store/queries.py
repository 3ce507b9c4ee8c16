"""What can be read of the store. Every method sees one instant, and holds up nobody."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

import numpy as np
from sqlalchemy import ColumnElement, Engine, func, or_, select

from mnist_core.errors import RunNotFoundError
from mnist_core.records import (
    EvalMetrics,
    PendingCommand,
    Run,
    RunStatus,
)
from mnist_core.store import change_feed, rows, sql, step_codec
from mnist_core.store.change_feed import Changes, ChangeWatch, Cursor
from mnist_core.store.schema import evaluations, orders, runs, step_chunks, test_sets
from mnist_core.system.paths import PROGRAM

MAX_DIGITS = 18
"""Of a run's number: what is longer is none, and more than the database counts to."""


class Queries:
    """Everything that can be read. Anyone may call it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(read_only=True)

    def get_run(self, run_id: int) -> Run:
        """Raises `RunNotFoundError`."""
        with self._reader.connect() as connection, connection.begin():
            return sql.get_run(connection, run_id)

    def get_runs(self, run_ids: Sequence[int]) -> list[Run]:
        """Those of these runs that there are outside the bin, in this order."""
        wanted = func.json_each(json.dumps([*run_ids])).table_valued("value")  # one parameter, however many runs
        found = {run.id: run for run in self._list(sql.NOT_DELETED & runs.c.id.in_(select(wanted.c.value)))}
        return [found[run_id] for run_id in run_ids if run_id in found]

    def find_run(self, name_or_id: str, *, deleted: bool = False) -> Run:
        """The run of that name, else the one of that number; with `deleted` the one in the bin.

        Raises `RunNotFoundError`.
        """
        here = ~sql.NOT_DELETED if deleted else sql.NOT_DELETED
        is_number = name_or_id.isdecimal() and len(name_or_id) <= MAX_DIGITS
        either = or_(runs.c.name == name_or_id, runs.c.id == (int(name_or_id) if is_number else None))
        named_first = (runs.c.name == name_or_id).desc()
        query = select(runs).where(either & here).order_by(named_first, runs.c.deleted_at.desc()).limit(1)
        with self._reader.connect() as connection, connection.begin():
            if row := connection.execute(query).first():
                return rows.run_from_row(row)
        where, flag = (" in the bin", " --deleted") if deleted else ("", "")
        raise RunNotFoundError(f"There is no run {name_or_id!r}{where}. `{PROGRAM} runs{flag}` lists them.")

    def list_runs(self, statuses: Collection[RunStatus] = tuple(RunStatus)) -> list[Run]:
        """All runs but those in the bin, or those in one of `statuses`, oldest first."""
        return self._list(sql.NOT_DELETED & runs.c.status.in_(list(statuses)))

    def list_deleted_runs(self) -> list[Run]:
        """The runs in the bin, oldest first."""
        return self._list(~sql.NOT_DELETED)

    def list_children(self, run_id: int) -> list[Run]:
        """Runs that go on from this one or repeat it, oldest first."""
        return self._list((runs.c.parent_id == run_id) & sql.NOT_DELETED)

    def list_active_runs(self) -> list[Run]:
        """Runs held by a trainer, oldest first; also those that it is ending because they were deleted."""
        return self._list(runs.c.status.in_(sql.ACTIVE_STATUSES))

    def list_queued_runs(self) -> list[Run]:
        """Runs waiting for a trainer, in the order they will start."""
        return self._list(runs.c.status == RunStatus.QUEUED)

    def list_unfinished_runs(self) -> list[Run]:
        """Runs held by a trainer, then those waiting for one, in the order they will start."""
        unfinished = self._list(runs.c.status.in_([*sql.ACTIVE_STATUSES, RunStatus.QUEUED]))
        return sorted(unfinished, key=lambda run: not run.status.is_active)

    def _list(self, which: ColumnElement[bool]) -> list[Run]:
        with self._reader.connect() as connection, connection.begin():
            return [rows.run_from_row(row) for row in connection.execute(select(runs).where(which).order_by(runs.c.id))]

    def list_names(self) -> dict[int, str]:
        """The name of every run but those in the bin, by number, newest first."""
        query = select(runs.c.id, runs.c.name).where(sql.NOT_DELETED).order_by(runs.c.id.desc())
        with self._reader.connect() as connection, connection.begin():
            return {row.id: row.name for row in connection.execute(query)}

    def list_heartbeats(self) -> dict[int, int]:
        """By id of each run held by a trainer, a number that moves whenever the run is written to."""
        query = select(runs.c.id, runs.c.revision).where(runs.c.status.in_(sql.ACTIVE_STATUSES))
        with self._reader.connect() as connection, connection.begin():
            return {row.id: row.revision for row in connection.execute(query)}

    def latest_run(self) -> Run | None:
        """The run created last, of those not in the bin."""
        with self._reader.connect() as connection, connection.begin():
            row = connection.execute(select(runs).where(sql.NOT_DELETED).order_by(runs.c.id.desc()).limit(1)).first()
            return rows.run_from_row(row) if row else None

    def read_steps(self, run_id: int) -> np.ndarray:
        """Every step of a run from 1 on, as a structured array of `step_codec.STEP_COLUMNS`."""
        table = step_chunks
        query = select(table.c.steps, table.c.columns).where(table.c.run_id == run_id).order_by(table.c.first_step)
        with self._reader.connect() as connection, connection.begin():
            return step_codec.unpack((row.steps, row.columns) for row in connection.execute(query))

    def count_steps(self, run_id: int) -> int:
        """How many steps of a run are recorded."""
        query = select(func.coalesce(func.sum(step_chunks.c.steps), 0)).where(step_chunks.c.run_id == run_id)
        with self._reader.connect() as connection, connection.begin():
            return int(connection.execute(query).scalar_one())

    def list_evaluations(self, run_id: int) -> list[EvalMetrics]:
        """Every evaluation of a run, in order."""
        query = select(evaluations).where(evaluations.c.run_id == run_id).order_by(evaluations.c.id)
        with self._reader.connect() as connection, connection.begin():
            return [rows.evaluation_from_row(row) for row in connection.execute(query)]

    def test_labels(self, checksum: str) -> np.ndarray | None:
        """The labels (uint8) of the test set with this checksum, in the order of the predictions; None if unknown."""
        query = select(test_sets.c.labels).where(test_sets.c.checksum == checksum)
        with self._reader.connect() as connection, connection.begin():
            labels = connection.execute(query).scalar_one_or_none()
            return None if labels is None else np.frombuffer(labels, np.uint8)

    def read_changes(self, after: Cursor) -> Changes:
        """Everything committed since `after`, over all runs, read at one instant."""
        with self._reader.connect() as connection, connection.begin():
            return change_feed.read_changes(connection, after)

    def latest_cursor(self) -> Cursor:
        """The cursor from which `read_changes` returns only what is committed from now on."""
        with self._reader.connect() as connection, connection.begin():
            return change_feed.latest_cursor(connection)

    def list_commands(self, run_id: int, after: int) -> list[PendingCommand]:
        """What people have asked of a run since the order with the id `after`, oldest first."""
        query = select(orders).where((orders.c.run_id == run_id) & (orders.c.id > after)).order_by(orders.c.id)
        with self._reader.connect() as connection, connection.begin():
            return [rows.command_from_row(row) for row in connection.execute(query)]

    def watch(self) -> ChangeWatch:
        """A cheap way to learn that anything was committed; close it when done."""
        return ChangeWatch(self._engine)
