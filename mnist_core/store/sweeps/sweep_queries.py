"""What is read of sweeps and their trials."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, Select, func, select

from mnist_core.errors import DamagedSweepError, SweepNotFoundError
from mnist_core.records import Run, RunStatus, Sweep, SweepStatus, Trial, TrialRole, TrialStatus, Validation
from mnist_core.store import sql
from mnist_core.store.schema import evaluations, runs, sweeps, trials
from mnist_core.store.sweeps.sweep_rows import sweep_from_row, trial_from_row
from mnist_core.system.paths import PROGRAM
from mnist_core.system.processes import is_alive


class SweepQueries:
    """Reads the sweeps of a store."""

    def __init__(self, engine: Engine) -> None:
        self._reader = engine.execution_options(read_only=True)

    def list_sweeps(self) -> list[Sweep]:
        """Return all sweeps, oldest first. Damaged ones are left out, and logged."""
        return self._list_sound(select(sweeps))

    def list_unfinished(self) -> list[Sweep]:
        """Return the sweeps that have not ended, oldest first, interrupted ones among them; see `list_sweeps`."""
        is_unfinished = sweeps.c.status.in_([status for status in SweepStatus if not status.is_finished])
        return self._list_sound(select(sweeps).where(is_unfinished))

    def _list_sound(self, query: Select[Any]) -> list[Sweep]:
        sound = []
        with self._reader.connect() as connection, connection.begin():
            for row in connection.execute(query.order_by(sweeps.c.id)):
                try:
                    sound.append(sweep_from_row(row))
                except DamagedSweepError as error:  # it must not hide the others
                    _report(str(error))
        return sound

    def get_sweep(self, sweep_id: int) -> Sweep:
        """Raises `SweepNotFoundError`, and `DamagedSweepError` if it cannot be read."""
        with self._reader.connect() as connection, connection.begin():
            return get_row(connection, sweep_id)

    def find_sweep(self, name_or_id: str) -> Sweep:
        """Return the sweep with this name, else with this id. Raises `SweepNotFoundError`."""
        found = {sweep.name: sweep for sweep in self.list_sweeps()}
        by_id = {str(sweep.id): sweep for sweep in found.values()}
        sweep = found.get(name_or_id) or by_id.get(name_or_id)
        if sweep is None:
            raise SweepNotFoundError(f"There is no sweep {name_or_id!r}. `{PROGRAM} sweeps` lists them.")
        return sweep

    def list_trials(self, sweep_id: int, after: int = 0) -> list[Trial]:
        """Return the trials of a sweep with a number above `after`, in the order of their numbers."""
        is_wanted = (trials.c.sweep_id == sweep_id) & (trials.c.number > after)
        query = select(trials).where(is_wanted).order_by(trials.c.number)
        with self._reader.connect() as connection, connection.begin():
            return [trial_from_row(row) for row in connection.execute(query)]

    def list_runs(self, sweep_id: int, numbers: Sequence[int] | None = None) -> list[Run]:
        """Return the runs of a sweep, or of some of its trials, oldest first. Those in the bin are among them."""
        is_wanted = runs.c.sweep_id == sweep_id
        if numbers is not None:
            is_wanted &= runs.c.trial.in_(list(numbers))
        with self._reader.connect() as connection, connection.begin():
            return sql.read_runs(connection, select(runs).where(is_wanted).order_by(runs.c.id))

    def count_ended(self, sweep_id: int) -> int:
        """Return how many trials of the search itself have ended."""
        is_ended = (trials.c.role == TrialRole.SEARCH) & (trials.c.status != TrialStatus.RUNNING)
        query = select(func.count()).where((trials.c.sweep_id == sweep_id) & is_ended)
        with self._reader.connect() as connection, connection.begin():
            return connection.execute(query).scalar_one()

    def list_begun(self) -> set[int]:
        """Return the ids of sweeps that have had runs: in the bin or not, or purged, and then a trial has a result."""
        has_result = trials.c.status.in_((TrialStatus.COMPLETED, TrialStatus.PRUNED, TrialStatus.DIVERGED))
        tried = select(trials.c.sweep_id).where(has_result)
        query = tried.union(select(runs.c.sweep_id).where(runs.c.sweep_id.is_not(None)))
        with self._reader.connect() as connection, connection.begin():
            return set(connection.execute(query).scalars())

    def list_validations(self, run_ids: Sequence[int]) -> dict[int, list[Validation]]:
        """Return the evaluations of these runs on validation, in the order of their steps, by run."""
        table = evaluations.c
        columns = (table.run_id, table.step, table.loss, table.accuracy, table.elapsed_seconds)
        is_wanted = table.run_id.in_(list(run_ids)) & (table.split == "validation")
        listed: dict[int, list[Validation]] = {run_id: [] for run_id in run_ids}
        with self._reader.connect() as connection, connection.begin():
            for run_id, *values in connection.execute(
                select(*columns).where(is_wanted).order_by(table.run_id, table.step)
            ):
                listed[run_id].append(Validation(*values))
        return listed

    def find_blocking_run(self, *, queued: bool) -> str | None:
        """Return the name of a run of no sweep that trains on this machine, or with `queued` waits for a trainer.

        A paused run does not need the cores. None if there is no such run.
        """
        statuses = [*sql.ACTIVE_STATUSES, *([RunStatus.QUEUED] if queued else [])]
        needs_cores = runs.c.status.in_(statuses) & (runs.c.status != RunStatus.PAUSED)
        query = select(runs).where(needs_cores & runs.c.sweep_id.is_(None) & sql.NOT_DELETED).order_by(runs.c.id)
        with self._reader.connect() as connection, connection.begin():
            found = sql.read_runs(connection, query)
        return next((run.name for run in found if run.status is RunStatus.QUEUED or _is_alive(run)), None)


def _is_alive(run: Run) -> bool:
    return run.trainer is not None and is_alive(run.trainer)


def get_row(connection: Connection, sweep_id: int) -> Sweep:
    """Return a sweep within a transaction. Raises as `get_sweep` does."""
    row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).one_or_none()
    if row is None:
        raise SweepNotFoundError(f"There is no sweep {sweep_id}. `{PROGRAM} sweeps` lists them.")
    return sweep_from_row(row)


@lru_cache(maxsize=100)
def _report(problem: str) -> None:
    """Log a damaged sweep once: the supervisor lists sweeps twice a second."""
    logging.getLogger(__name__).warning("%s", problem)
