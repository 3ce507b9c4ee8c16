"""What each run reads on the kept drawings, so that no page has to load weights to count.

A reading belongs to a run, a drawing, and the step of the run's newest weights at that time. Drawings never change, so
a reading holds until the run has newer weights; changing the digit that a drawing is meant to be changes no reading.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, Engine, Integer, Select, case, func, insert, literal, select

from mnist_core.records import DrawingScore, RunStatus
from mnist_core.store import sql
from mnist_core.store.schema import drawing_readings, drawings, run_files, runs

FINISHED = [status for status in RunStatus if status.is_finished]

readings = drawing_readings.c


class DrawingReadings:
    """What the runs of a store read on its kept drawings. Anyone may call these methods."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(read_only=True)

    def read_digits(self, run_id: int) -> dict[int, int]:
        """Return the digits that the newest recorded weights of a run read, by drawing; without those not yet read."""
        query = select(readings.drawing_id, readings.digit).where(
            (readings.run_id == run_id) & (readings.step == _newest_step(run_id).scalar_subquery())
        )
        with self._reader.connect() as connection, connection.begin():
            return {row.drawing_id: row.digit for row in connection.execute(query)}

    def newest_step(self, run_id: int) -> int | None:
        """Return the step of the newest recorded weights of a run; None if there are none."""
        with self._reader.connect() as connection, connection.begin():
            step: int | None = connection.execute(_newest_step(run_id)).scalar_one()
            return step

    def record(self, run_id: int, step: int, digits: Mapping[int, int]) -> None:
        """Record what the weights at `step`, the newest of the run, read on each drawing.

        Drawings and runs that have been deleted meanwhile are left out.
        """
        with self._engine.begin() as connection:
            kept = set(connection.execute(select(drawings.c.id)).scalars())
            if not digits.keys() & kept or not _exists(connection, run_id):
                return
            rows = [
                {"run_id": run_id, "drawing_id": drawing_id, "step": step, "digit": digit}
                for drawing_id, digit in digits.items()
                if drawing_id in kept
            ]
            connection.execute(insert(drawing_readings).prefix_with("OR REPLACE"), rows)

    def scores(self) -> dict[int, DrawingScore]:
        """Return how many drawings each run reads right, by run, for runs that have read all of them."""
        is_right = func.sum(case((readings.digit == drawings.c.label, 1), else_=0)).cast(Integer)
        count = select(func.count()).select_from(drawings).scalar_subquery()
        query = (
            select(readings.run_id, is_right.label("right"), func.count().label("read"))
            .join(drawings, drawings.c.id == readings.drawing_id)
            .group_by(readings.run_id)
            .having(func.count() == count)
        )
        with self._reader.connect() as connection, connection.begin():
            return {row.run_id: DrawingScore(row.right, row.read) for row in connection.execute(query)}

    def list_unread_runs(self, limit: int, leave_out: Collection[int] = ()) -> list[int]:
        """Return finished runs with weights that have not read every drawing, newest first, without `leave_out`."""
        count = select(func.count()).select_from(drawings).scalar_subquery()
        read = select(func.count()).where(readings.run_id == runs.c.id).scalar_subquery()
        query = (
            select(runs.c.id)
            .where(
                sql.NOT_DELETED
                & runs.c.status.in_(FINISHED)
                & runs.c.id.not_in(list(leave_out))
                & runs.c.id.in_(select(run_files.c.run_id))
                & (read < count)
            )
            .order_by(runs.c.id.desc())
            .limit(limit)
        )
        with self._reader.connect() as connection, connection.begin():
            return list(connection.execute(query).scalars())


def _newest_step(run_id: int) -> Select[int | None]:
    return select(func.max(run_files.c.step)).where(run_files.c.run_id == run_id)


def _exists(connection: Connection, run_id: int) -> bool:
    return connection.execute(select(literal(1)).where(runs.c.id == run_id)).first() is not None
