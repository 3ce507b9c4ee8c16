"""Sweeps and their trials. Only the controller of a sweep may write its trials; its attempt proves that it is that."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Engine, case, func, insert, select, update

from mnist_core.annotations import validate_name
from mnist_core.config import TrainConfig
from mnist_core.errors import StaleAttemptError, SweepNotFoundError, SweepStateError
from mnist_core.records import (
    ProcessIdentity,
    Run,
    RunStatus,
    Sweep,
    SweepStatus,
    Trial,
    TrialRole,
    TrialStatus,
    Validation,
    encode_json,
    json_value,
)
from mnist_core.store import queue, sql
from mnist_core.store.schema import evaluations, runs, sweeps, trials
from mnist_core.store.sweeps.sweep_rows import sweep_from_row, trial_from_row
from mnist_core.system.paths import PROGRAM
from mnist_core.system.processes import is_alive

ACTIVE_STATUSES = [status for status in SweepStatus if status.is_active]

WAITING_STATUSES = (RunStatus.INTERRUPTED, RunStatus.QUEUED)
"""A run of a trial with one of these can be resumed; it is queued if a person has resumed it."""


class Sweeps:
    """The sweeps of a store. Methods that take a `Sweep` are for its controller, the others for anyone.

    Those of the controller raise `StaleAttemptError`, and write nothing, once the sweep has ended or another
    controller has claimed it. So each trial starts and ends once, however many controllers are killed.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(read_only=True)

    # ------------------------------------------------------------------ reading

    def list_sweeps(self) -> list[Sweep]:
        """Return all sweeps, oldest first. Raises `StoreError` for a damaged one."""
        with self._reader.connect() as connection, connection.begin():
            return [sweep_from_row(row) for row in connection.execute(select(sweeps).order_by(sweeps.c.id))]

    def list_unfinished(self) -> list[Sweep]:
        """Return the sweeps that have not ended, oldest first, interrupted ones among them."""
        is_unfinished = sweeps.c.status.in_([status for status in SweepStatus if not status.is_finished])
        with self._reader.connect() as connection, connection.begin():
            query = select(sweeps).where(is_unfinished).order_by(sweeps.c.id)
            return [sweep_from_row(row) for row in connection.execute(query)]

    def get_sweep(self, sweep_id: int) -> Sweep:
        """Raises `SweepNotFoundError`."""
        with self._reader.connect() as connection, connection.begin():
            return _get(connection, sweep_id)

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

    def list_results(self) -> dict[int, tuple[int, float | None, float | None]]:
        """Return, by sweep, how many trials its search has, and the lowest and the highest result of completed ones."""
        value = case((trials.c.status == TrialStatus.COMPLETED, trials.c.value))
        columns = (trials.c.sweep_id, func.count(), func.min(value), func.max(value))
        query = select(*columns).where(trials.c.role == TrialRole.SEARCH).group_by(trials.c.sweep_id)
        with self._reader.connect() as connection, connection.begin():
            return {sweep_id: (count, low, high) for sweep_id, count, low, high in connection.execute(query)}

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

    # ------------------------------------------------------------------ what people do

    def create_sweep(self, spec: Mapping[str, Any], name: str = "", *, in_server: bool = False) -> Sweep:
        """Add a sweep that no controller holds yet. An empty name becomes `sweep-<id>`. Raises `ConfigError`."""
        name = validate_name(name)
        with self._engine.begin() as connection:
            row: dict[str, Any] = {"uid": secrets.token_hex(8), "name": name, "spec": encode_json(json_value(spec))}
            row |= {"status": SweepStatus.RUNNING, "created_at": time.time(), "in_server": in_server}
            query = insert(sweeps).values(**row)
            sweep_id = int(connection.execute(query.returning(sweeps.c.id)).scalar_one())
            connection.execute(
                update(sweeps).where(sweeps.c.id == sweep_id).values(name=_unused_name(connection, sweep_id, name))
            )
            return _get(connection, sweep_id)

    def request_status(self, sweep_id: int, status: SweepStatus) -> Sweep:
        """Ask the controller to go on, pause or stop. Raises `SweepStateError` if the sweep has ended."""
        with self._engine.begin() as connection:
            sweep = _get(connection, sweep_id)
            if sweep.status.is_finished:
                raise SweepStateError(f"{sweep.name} is {sweep.status.word}: only one that has not ended can change.")
            if sweep.status is not SweepStatus.STOPPING:
                _update(connection, sweep_id, status=status)
            return _get(connection, sweep_id)

    def hand_to_server(self, sweep_id: int) -> Sweep:
        """Have the server carry out a sweep from now on, unless somebody else does."""
        with self._engine.begin() as connection:
            _update(connection, sweep_id, in_server=True)
            return _get(connection, sweep_id)

    def replace_spec(self, sweep_id: int, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Sweep:
        """Give a sweep a larger budget; it runs again if it had ended. Raises `SweepStateError` while it stops.

        `change` gets what the sweep is in this transaction: two people who extend it at once both do.
        """
        with self._engine.begin() as connection:
            sweep = _get(connection, sweep_id)
            if sweep.status is SweepStatus.STOPPING:
                raise SweepStateError(f"{sweep.name} is stopping: wait until it has, and extend it then.")
            again = {"status": SweepStatus.RUNNING, "finished_at": None, "reason": ""}
            values = again if sweep.status.is_finished else {}
            _update(connection, sweep_id, spec=encode_json(json_value(change(sweep.spec))), **values)
            return _get(connection, sweep_id)

    # ------------------------------------------------------------------ the controller

    def claim_sweep(self, sweep_id: int, controller: ProcessIdentity) -> Sweep:
        """Hand a sweep to a controller, as a new attempt. Raises `SweepStateError` if the sweep has ended.

        The caller makes sure that the controller before it is gone; if it is not, it can write no more.
        """
        with self._engine.begin() as connection:
            sweep = _get(connection, sweep_id)
            if sweep.status.is_finished:
                raise SweepStateError(f"{sweep.name} is {sweep.status.word}. Extend it to go on.")
            status = SweepStatus.RUNNING if sweep.status is SweepStatus.INTERRUPTED else sweep.status
            columns = {f"controller_{part.name}": getattr(controller, part.name) for part in fields(controller)}
            cleared = {"reason": "", "waits_for": "", "finished_at": None}
            _update(connection, sweep_id, status=status, attempt=sweep.attempt + 1, **cleared, **columns)
            return _get(connection, sweep_id)

    def report_progress(self, sweep: Sweep, elapsed_seconds: float, waits_for: str = "") -> Sweep:
        """Record the time that the sweep has searched, and what it waits for now, in one sentence.

        Returns the sweep as it is now, with what people ask for.
        """
        with self._engine.begin() as connection:
            _check_held(connection, sweep)
            _update(connection, sweep.id, elapsed_seconds=elapsed_seconds, waits_for=waits_for)
            return _get(connection, sweep.id)

    def end_sweep(self, sweep: Sweep, status: SweepStatus, reason: str = "") -> Sweep:
        """End a sweep, or mark it as interrupted."""
        with self._engine.begin() as connection:
            _check_held(connection, sweep)
            has_ended = status.is_finished or status is SweepStatus.INTERRUPTED
            finished_at = time.time() if has_ended else None
            _update(connection, sweep.id, status=status, reason=reason, finished_at=finished_at, waits_for="")
            return _get(connection, sweep.id)

    def add_trial(
        self, sweep: Sweep, role: TrialRole, values: Mapping[str, Any], sampler_state: Mapping[str, Any]
    ) -> Trial:
        """Add a trial with the next number. Its runs follow when their processes begin."""
        with self._engine.begin() as connection:
            _check_held(connection, sweep)
            query = select(func.coalesce(func.max(trials.c.number), 0)).where(trials.c.sweep_id == sweep.id)
            number = int(connection.execute(query).scalar_one()) + 1
            row = {"sweep_id": sweep.id, "number": number, "role": role, "status": TrialStatus.RUNNING, "reason": ""}
            texts = {"settings": encode_json(json_value(values)), "sampler_state": encode_json(dict(sampler_state))}
            connection.execute(insert(trials).values({**row, **texts, "kills": 0, "started_at": time.time()}))
            return _get_trial(connection, sweep.id, number)

    def end_trial(
        self,
        sweep: Sweep,
        trial: Trial,
        status: TrialStatus,
        *,
        value: float | None = None,
        sampler_state: Mapping[str, Any] | None = None,
        reason: str = "",
    ) -> Trial:
        """Record the result of a trial. Does nothing to one that has ended."""
        with self._engine.begin() as connection:
            _check_held(connection, sweep)
            state = trial.sampler_state if sampler_state is None else sampler_state
            is_running = _is_trial(sweep.id, trial.number) & (trials.c.status == TrialStatus.RUNNING)
            row = {"status": status, "value": value, "sampler_state": encode_json(dict(state)), "reason": reason}
            connection.execute(update(trials).where(is_running).values(**row, finished_at=time.time()))
            return _get_trial(connection, sweep.id, trial.number)

    def count_kill(self, sweep: Sweep, trial: Trial) -> Trial:
        """Record that a process of a trial was lost. Returns the trial with the new number."""
        with self._engine.begin() as connection:
            _check_held(connection, sweep)
            connection.execute(update(trials).where(_is_trial(sweep.id, trial.number)).values(kills=trials.c.kills + 1))
            return _get_trial(connection, sweep.id, trial.number)

    # ------------------------------------------------------------------ the process of a trial

    def begin_run(
        self, sweep_id: int, number: int, *, attempt: int, config: TrainConfig, trainer: ProcessIdentity, name: str
    ) -> Run | None:
        """Give the trainer the run of a trial with these settings: a new one, or its interrupted one to resume.

        Returns None if there is nothing to train: the sweep has another controller than the one that forked this
        process, the trial has ended, or another process has the run.
        """
        with self._engine.begin() as connection:
            sweep = _get(connection, sweep_id)
            trial = _get_trial(connection, sweep_id, number)
            if sweep.attempt != attempt or sweep.status not in ACTIVE_STATUSES or trial.status != TrialStatus.RUNNING:
                return None
            query = select(runs).where((runs.c.sweep_id == sweep_id) & (runs.c.trial == number))
            existing = [run for run in sql.read_runs(connection, query) if run.config.seed == config.seed]
            if any(run.status not in WAITING_STATUSES or run.deleted_at for run in existing):
                return None
            if existing:
                run_id = existing[0].id
                sql.update_run(connection, run_id, reason="", finished_at=None)
            else:
                sql.check_network(connection, config.model)
                run_id = queue.add(
                    connection, config, sql.unused_name(connection, name), sweep_id=sweep_id, trial=number
                )
            sql.claim(connection, run_id, trainer)
            return sql.get_run(connection, run_id)


def _is_alive(run: Run) -> bool:
    return run.trainer is not None and is_alive(run.trainer)


def _get(connection: Connection, sweep_id: int) -> Sweep:
    row = connection.execute(select(sweeps).where(sweeps.c.id == sweep_id)).one_or_none()
    if row is None:
        raise SweepNotFoundError(f"There is no sweep {sweep_id}. `{PROGRAM} sweeps` lists them.")
    return sweep_from_row(row)


def _get_trial(connection: Connection, sweep_id: int, number: int) -> Trial:
    return trial_from_row(connection.execute(select(trials).where(_is_trial(sweep_id, number))).one())


def _is_trial(sweep_id: int, number: int) -> Any:
    return (trials.c.sweep_id == sweep_id) & (trials.c.number == number)


def _update(connection: Connection, sweep_id: int, **values: Any) -> None:
    connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(**values))


def _check_held(connection: Connection, sweep: Sweep) -> None:
    current = _get(connection, sweep.id)
    if (current.uid, current.attempt) != (sweep.uid, sweep.attempt) or not current.status.is_active:
        raise StaleAttemptError(
            f"Attempt {sweep.attempt} at {sweep.name} no longer holds the sweep: it has ended or was taken over. "
            "Nothing was written."
        )


def _unused_name(connection: Connection, sweep_id: int, wanted: str) -> str:
    """Return the wanted name, or one with the number of the sweep if another sweep has it or it is empty."""
    default = f"sweep-{sweep_id}"
    taken = set(connection.execute(select(sweeps.c.name).where(sweeps.c.id != sweep_id)).scalars())
    return next(name for name in (wanted or default, default, f"{default}-{secrets.token_hex(4)}") if name not in taken)
