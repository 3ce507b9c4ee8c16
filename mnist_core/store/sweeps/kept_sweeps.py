"""Sweeps and their trials. Only the controller of a sweep may write its trials; its attempt proves that it is that."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Engine, func, insert, select, update

from mnist_core.annotations import validate_name
from mnist_core.config import TrainConfig
from mnist_core.errors import StaleAttemptError, SweepStateError
from mnist_core.records import (
    ProcessIdentity,
    Run,
    RunStatus,
    Sweep,
    SweepStatus,
    Trial,
    TrialRole,
    TrialStatus,
    encode_json,
    json_value,
)
from mnist_core.store import queue, sql
from mnist_core.store.schema import runs, sweeps, trials
from mnist_core.store.sweeps.sweep_queries import SweepQueries, get_row
from mnist_core.store.sweeps.sweep_rows import trial_from_row

ACTIVE_STATUSES = [status for status in SweepStatus if status.is_active]

WAITING_STATUSES = (RunStatus.INTERRUPTED, RunStatus.QUEUED)
"""A run of a trial with one of these can be resumed; it is queued if a person has resumed it."""


class Sweeps(SweepQueries):
    """The sweeps of a store. Methods that take a `Sweep` are for its controller, the others for anyone.

    Those of the controller raise `StaleAttemptError`, and write nothing, once the sweep has ended or another
    controller has claimed it. So each trial starts and ends once, however many controllers are killed.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self._engine = engine

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
            return get_row(connection, sweep_id)

    def request_status(self, sweep_id: int, status: SweepStatus) -> Sweep:
        """Ask the controller to go on, pause or stop. Raises `SweepStateError` if the sweep has ended."""
        with self._engine.begin() as connection:
            sweep = get_row(connection, sweep_id)
            if sweep.status.is_finished:
                raise SweepStateError(f"{sweep.name} is {sweep.status.word}: only one that has not ended can change.")
            if sweep.status is not SweepStatus.STOPPING:
                _update(connection, sweep_id, status=status)
            return get_row(connection, sweep_id)

    def hand_to_server(self, sweep_id: int) -> Sweep:
        """Have the server carry out a sweep from now on, unless somebody else does."""
        with self._engine.begin() as connection:
            _update(connection, sweep_id, in_server=True)
            return get_row(connection, sweep_id)

    def replace_spec(self, sweep_id: int, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> Sweep:
        """Give a sweep a larger budget; it runs again if it had ended. Raises `SweepStateError` while it stops.

        `change` gets what the sweep is in this transaction: two people who extend it at once both do.
        """
        with self._engine.begin() as connection:
            sweep = get_row(connection, sweep_id)
            if sweep.status is SweepStatus.STOPPING:
                raise SweepStateError(f"{sweep.name} is stopping: wait until it has, and extend it then.")
            again = {"status": SweepStatus.RUNNING, "finished_at": None, "reason": ""}
            values = again if sweep.status.is_finished else {}
            _update(connection, sweep_id, spec=encode_json(json_value(change(sweep.spec))), **values)
            return get_row(connection, sweep_id)

    # ------------------------------------------------------------------ the controller

    def claim_sweep(self, sweep_id: int, controller: ProcessIdentity) -> Sweep:
        """Hand a sweep to a controller, as a new attempt. Raises `SweepStateError` if the sweep has ended.

        The caller makes sure that the controller before it is gone; if it is not, it can write no more.
        """
        with self._engine.begin() as connection:
            sweep = get_row(connection, sweep_id)
            if sweep.status.is_finished:
                raise SweepStateError(f"{sweep.name} is {sweep.status.word}. Extend it to go on.")
            status = SweepStatus.RUNNING if sweep.status is SweepStatus.INTERRUPTED else sweep.status
            columns = {f"controller_{part.name}": getattr(controller, part.name) for part in fields(controller)}
            cleared = {"reason": "", "waits_for": "", "finished_at": None}
            _update(connection, sweep_id, status=status, attempt=sweep.attempt + 1, **cleared, **columns)
            return get_row(connection, sweep_id)

    def report_progress(self, sweep: Sweep, elapsed_seconds: float, waits_for: str = "") -> Sweep:
        """Record the time that the sweep has searched, and what it waits for now, in one sentence.

        Returns the sweep as it is now, with what people ask for.
        """
        with self._engine.begin() as connection:
            _check_held(connection, sweep)
            _update(connection, sweep.id, elapsed_seconds=elapsed_seconds, waits_for=waits_for)
            return get_row(connection, sweep.id)

    def end_sweep(self, sweep: Sweep, status: SweepStatus, reason: str = "") -> Sweep:
        """End a sweep, or mark it as interrupted."""
        with self._engine.begin() as connection:
            _check_held(connection, sweep)
            has_ended = status.is_finished or status is SweepStatus.INTERRUPTED
            finished_at = time.time() if has_ended else None
            _update(connection, sweep.id, status=status, reason=reason, finished_at=finished_at, waits_for="")
            return get_row(connection, sweep.id)

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
            sweep = get_row(connection, sweep_id)
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


def _get_trial(connection: Connection, sweep_id: int, number: int) -> Trial:
    return trial_from_row(connection.execute(select(trials).where(_is_trial(sweep_id, number))).one())


def _is_trial(sweep_id: int, number: int) -> Any:
    return (trials.c.sweep_id == sweep_id) & (trials.c.number == number)


def _update(connection: Connection, sweep_id: int, **values: Any) -> None:
    connection.execute(update(sweeps).where(sweeps.c.id == sweep_id).values(**values))


def _check_held(connection: Connection, sweep: Sweep) -> None:
    current = get_row(connection, sweep.id)
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
