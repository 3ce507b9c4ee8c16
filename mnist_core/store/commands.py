"""Everything people do to runs in the store: create, steer, annotate, delete and restore them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Engine, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from mnist_core.annotations import validate_name, validate_notes, validate_tags
from mnist_core.config import TrainConfig, check_batch_fits
from mnist_core.errors import ConfigError, EditConflictError, ImportRefusedError, RunStateError, StaleAttemptError
from mnist_core.records import (
    Adjustment,
    Command,
    History,
    Intervention,
    NetworkSource,
    ProcessIdentity,
    Run,
    RunFile,
    RunStatus,
    encode_json,
    json_value,
    matches_labels,
)
from mnist_core.store import queue, rows, sql
from mnist_core.store.codecs import step_codec
from mnist_core.store.schema import evaluations, layer_norms, pending_commands, runs, step_chunks

CHECK_SECONDS = 1.0
"""How long `check_writable` waits: writers of this program hold the lock for a few milliseconds."""


class Commands:
    """Changes that people make to runs. Anyone may call these methods."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create_run(
        self,
        config: TrainConfig,
        name: str = "",
        trainer: ProcessIdentity | None = None,
        *,
        parent: Run | None = None,
        parent_step: int | None = None,
        changed: Sequence[Intervention] = (),
        plan: Sequence[Intervention] = (),
        prepare: Callable[[Run], Sequence[RunFile]] = lambda _run: (),
    ) -> Run:
        """Add a run: queued, or held by `trainer` if there is one. An empty name becomes `run-<id>`.

        With a `parent_step` the run continues from the parent's checkpoint at that step: it starts with the parent's
        records up to there, and with the interventions `changed`. With a `plan` it repeats those interventions.
        `prepare` is called with the run before others can see it, and returns the files that it has put in place for
        the run; if it raises, no run is created. Raises `ConfigError` for a name that is taken or not acceptable and
        for a network that may not be run here, and `RunStateError` for a damaged parent.
        """
        name = validate_name(name)
        if parent:
            sql.check_sound(parent)
        try:
            with self._engine.begin() as connection:
                sql.check_network(connection, config.model)
                run_id = queue.add(
                    connection, config, name, parent_id=parent and parent.id, parent_step=parent_step, plan=tuple(plan)
                )
                if parent and parent_step is not None:
                    _inherit_records(connection, run_id, parent, parent_step, changed)
                for file in prepare(sql.get_run(connection, run_id)):
                    sql.record_file(connection, run_id, file)
                if trainer:
                    sql.claim(connection, run_id, trainer)
                return sql.get_run(connection, run_id)
        except IntegrityError as error:
            raise _name_taken(name) from error

    def create_race(self, configs: Sequence[TrainConfig], trainer: ProcessIdentity | None = None) -> list[Run]:
        """Add a run for each lane of a race: queued, or held by `trainer` if there is one. Raises `ConfigError`."""
        with self._engine.begin() as connection:
            for config in configs:
                sql.check_network(connection, config.model)
            run_ids = [queue.add(connection, config, "") for config in configs]
            for run_id in run_ids:
                sql.update_run(connection, run_id, race_id=run_ids[0])
                if trainer:
                    sql.claim(connection, run_id, trainer)
            return [sql.get_run(connection, run_id) for run_id in run_ids]

    def record_network(self, source: NetworkSource) -> None:
        """Record the source of a network that the user gives to this program: runs may train it from now on."""
        with self._engine.begin() as connection:
            sql.save_network(connection, source)

    def import_runs(self, imported: Iterable[tuple[Run, History]]) -> list[Run]:
        """Add runs from an archive under new ids, all or none; a name that is taken gets a number.

        Their results are computed from their evaluations; those in the runs are ignored. Raises `ImportRefusedError`
        if test results contradict the labels that a trainer has read here.
        """
        with self._engine.begin() as connection:
            return [_import_run(connection, run, history) for run, history in imported]

    def request_stop(self, run_id: int, reason: str = "") -> RunStatus:
        """Take a queued run off the queue, or ask the trainer of an active run to stop. Returns the new status.

        Does nothing to a run that has ended. The reason stays with the run; people who stop a run give none.
        """
        with self._engine.begin() as connection:
            sql.request_stop(connection, sql.get_run(connection, run_id), reason)
            return sql.get_run(connection, run_id).status

    def requeue_run(self, run_id: int) -> None:
        """Queue an interrupted run again, first, to continue from its last checkpoint. Raises `RunStateError`."""
        self.requeue_runs([run_id])

    def requeue_runs(self, run_ids: Iterable[int]) -> None:
        """Queue interrupted runs again at one instant, so that lanes of a race resume together; see `requeue_run`."""
        with self._engine.begin() as connection:
            for run_id in run_ids:
                queue.resume(connection, run_id)

    def move_queued_run(self, run_id: int, *, before: int | None = None, after: int | None = None) -> None:
        """Move a queued run to just before, or just after, another queued run; does nothing if that one has left.

        Raises `RunStateError` if the run itself is not queued any more.
        """
        with self._engine.begin() as connection:
            queue.move(connection, run_id, before=before, after=after)

    def remove_queued_run(self, run_id: int) -> None:
        """Take a queued run off the queue. Raises `RunStateError` if it is not queued any more."""
        with self._engine.begin() as connection:
            queue.remove(connection, run_id)

    def return_to_queue(self, run_id: int) -> None:
        """Put a run that was removed from the queue back where it was. Raises `RunStateError` for other runs."""
        with self._engine.begin() as connection:
            queue.put_back(connection, run_id)

    def send_command(self, run_id: int, command: Command, adjustment: Adjustment | None = None, *, by: str) -> None:
        """Send a command to the trainer of a run in progress, which carries it out within a fraction of a second.

        Lanes that race in one process are paused, resumed and stepped together.
        Raises `RunStateError` if no trainer holds the run, `ConfigError` if the adjustment is out of range.
        """
        adjustment = adjustment or Adjustment()
        with self._engine.begin() as connection:
            run = sql.get_run(connection, run_id)
            sql.check_sound(run)
            if not run.status.is_active or run.status is RunStatus.STOPPING:
                raise RunStateError(f"{run.name} is {run.status.word}: there is nothing to {command}.")
            replace(run.config, **adjustment.settings())  # refuses settings that do not fit together
            if run.train_images and adjustment.batch_size:
                check_batch_fits(adjustment.batch_size, run.train_images)
            text = encode_json(json_value(adjustment))
            sent = {"command": command, "adjustment": text, "given_by": by, "given_at": time.time()}
            together = command in (Command.PAUSE, Command.RESUME, Command.STEP)
            for lane_id in sql.steered_together(connection, run) if together else [run_id]:
                connection.execute(insert(pending_commands).values(run_id=lane_id, **sent))

    def end_queued_run(self, run_id: int, reason: str, status: RunStatus = RunStatus.FAILED) -> None:
        """End a queued run for which no trainer could be started; does nothing if a trainer has claimed it."""
        with self._engine.begin() as connection:
            if sql.get_run(connection, run_id).status is RunStatus.QUEUED:
                sql.update_run(connection, run_id, status=status, finished_at=time.time(), reason=reason)

    def check_writable(self) -> None:
        """Raise `StoreLockedError` if another process keeps the database locked; waits for a second at most."""
        with self._engine.connect().execution_options(busy_seconds=CHECK_SECONDS) as connection:
            connection.begin().rollback()

    def interrupt_run(self, run: Run, reason: str, status: RunStatus = RunStatus.INTERRUPTED) -> bool:
        """Mark a run whose trainer is gone. Returns False if it has ended or changed hands since `run` was read."""
        with self._engine.begin() as connection:
            try:
                sql.update_held_run(connection, run, status=status, reason=reason, finished_at=time.time())
            except StaleAttemptError:
                return False
            return True

    def edit_run(
        self,
        run_id: int,
        *,
        name: str | None = None,
        notes: str | None = None,
        tags: Iterable[str] | None = None,
        starred: bool | None = None,
        archived: bool | None = None,
        based_on: Run | None = None,
    ) -> Run:
        """Change the annotations of a run; None leaves one unchanged. Raises `ConfigError` for unacceptable values.

        `based_on` is the run as the person who edits it saw it: raises `EditConflictError` if somebody else has changed
        the same name, notes or tags since.
        """
        values: dict[str, Any] = {}
        if name is not None:
            values["name"] = validate_name(name)
            if not values["name"]:
                raise ConfigError("name", "Run name must not be empty. Give it one, or leave it as it is.")
        if notes is not None:
            values["notes"] = validate_notes(notes)
        if tags is not None:
            values |= rows.column_values(tags=validate_tags(tags))
        values |= {"starred": starred} if starred is not None else {}
        values |= {"archived": archived} if archived is not None else {}
        try:
            with self._engine.begin() as connection:
                current = sql.get_undeleted_run(connection, run_id)
                if based_on:
                    _check_unchanged(current, based_on, values)
                sql.update_run(connection, run_id, **values)
                return sql.get_run(connection, run_id)
        except IntegrityError as error:
            raise _name_taken(values["name"]) from error

    def delete_runs(self, run_ids: Iterable[int]) -> None:
        """Move runs to the bin. Active ones are asked to stop, queued ones are taken off the queue."""
        with self._engine.begin() as connection:
            for run_id in run_ids:
                run = sql.get_run(connection, run_id)
                if run.deleted_at is None:
                    sql.request_stop(connection, run)
                    now = time.time()
                    sql.update_run(connection, run_id, deleted_at=now, bin_seconds=0.0, bin_seen_at=now)

    def restore_runs(self, run_ids: Iterable[int]) -> list[Run]:
        """Take runs out of the bin. If a name is taken by now, a number is appended to it."""
        with self._engine.begin() as connection:
            restored = []
            for run_id in run_ids:
                run = sql.get_run(connection, run_id)
                if run.deleted_at is not None:
                    name = sql.unused_name(connection, run.name)
                    sql.update_run(connection, run_id, name=name, deleted_at=None)
                restored.append(sql.get_run(connection, run_id))
            return restored

    def age_bin(self, now: float, longest_gap: float) -> dict[int, float]:
        """Add the time since the last call to the age of each run in the bin, and return the ages in seconds, by id.

        At most `longest_gap` seconds of that time count: a clock that jumps must not empty the bin.
        """
        passed = now - func.coalesce(runs.c.bin_seen_at, runs.c.deleted_at)
        age = runs.c.bin_seconds + func.max(0.0, func.min(passed, longest_gap))
        with self._engine.begin() as connection:
            connection.execute(update(runs).where(~sql.NOT_DELETED).values(bin_seconds=age, bin_seen_at=now))
            aged = connection.execute(select(runs.c.id, runs.c.bin_seconds).where(~sql.NOT_DELETED))
            return {row.id: row.bin_seconds for row in aged}

    def purge_runs(self, run_ids: Collection[int]) -> None:
        """Delete runs in the bin for good, with everything recorded of them; others, and active ones, stay."""
        is_purged = runs.c.id.in_(list(run_ids)) & ~sql.NOT_DELETED & runs.c.status.not_in(sql.ACTIVE_STATUSES)
        with self._engine.begin() as connection:
            connection.execute(delete(runs).where(is_purged))


def _import_run(connection: Connection, run: Run, history: History) -> Run:
    checksum = run.provenance.test_checksum if run.provenance else ""
    tests = [evaluation for evaluation in history.evaluations if evaluation.split == "test"]
    labels = sql.own_test_labels(connection, checksum) if checksum else None
    if labels is not None and not all(matches_labels(evaluation, labels) for evaluation in tests):
        raise ImportRefusedError(
            f"The test results of {run.name} do not follow from its predictions and the labels of the test images "
            "here. Export the run again on the machine that trained it."
        )
    columns = rows.imported_columns(run) | {"unverified": bool(tests) and labels is None}
    name = sql.unused_name(connection, validate_name(run.name))
    run_id = sql.insert_run(connection, columns | {"name": name})
    keys = {"run_id": run_id, "attempt": run.attempt}
    if len(history.steps):
        packed = step_codec.pack_table(history.steps)
        row = {**keys, "first_step": 1, "steps": len(history.steps), "columns": packed}
        connection.execute(insert(step_chunks).values(row))
    for evaluation in history.evaluations:
        connection.execute(insert(evaluations).values(rows.evaluation_row(run, evaluation) | keys))
    for norms in history.norms:
        connection.execute(insert(layer_norms).values(rows.norms_row(run_id, norms)))
    sql.update_run(connection, run_id, **sql.compute_results(connection, run_id))
    if history.network:
        sql.save_network(connection, replace(history.network, path="", is_own=False))
    if checksum and history.test_labels is not None:
        sql.save_test_labels(connection, checksum, history.test_labels, is_own=False)
    return sql.get_run(connection, run_id)


def _inherit_records(
    connection: Connection, run_id: int, parent: Run, parent_step: int, changed: Sequence[Intervention]
) -> None:
    """Copy the parent's records up to `parent_step` to a run that continues from there."""
    sql.copy_records(connection, parent.id, run_id)
    sql.delete_records_after(connection, run_id, parent_step)
    inherited = [change for change in parent.interventions if change.step <= parent_step]
    columns = rows.column_values(interventions=(*inherited, *changed))
    sql.update_run(connection, run_id, step=parent_step, **columns)


def _check_unchanged(current: Run, based_on: Run, values: dict[str, Any]) -> None:
    """Raise `EditConflictError` if `current` differs from `based_on` in a value that is to become a third one."""
    stored, seen = (rows.column_values(name=run.name, notes=run.notes, tags=run.tags) for run in (current, based_on))
    changed = [field for field in values.keys() & stored.keys() if stored[field] not in (seen[field], values[field])]
    if changed:
        raise EditConflictError(
            f"Somebody else has changed the {' and '.join(sorted(changed))} of {current.name} while you were editing. "
            "Nothing was saved."
        )


def _name_taken(name: str) -> ConfigError:
    return ConfigError("name", f"A run named {name!r} exists already. Choose another name.")
