"""The run store: everything that is known of every run, and the only channel between trainers, server and command line.

No training and no policy here: which run starts when is the supervisor's business, what a number means the engine's.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Self

import numpy as np
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import IntegrityError

from mnist_core import changes, chunks, rows, statements
from mnist_core.changes import Changes, ChangeWatch, Cursor
from mnist_core.config import TrainConfig, check_batch_fits
from mnist_core.epochs import epoch_ends
from mnist_core.errors import ConfigError, RunNotFoundError, RunStateError, StaleAttemptError
from mnist_core.records import (
    Adjustment,
    Command,
    EvalMetrics,
    Intervention,
    Order,
    ProcessIdentity,
    Progress,
    Run,
    RunStatus,
    StepMetrics,
)
from mnist_core.schema import copy_database, evaluations, open_database, orders, runs, step_chunks

DATABASE_NAME = "runs.sqlite"


class RunStore:
    """All runs in one SQLite database. Safe to share between threads, and between processes that open it each.

    Who may call what: anyone may read, create runs and ask one to stop; only the trainer that holds a run (its attempt
    number proves it) may write to it; whoever finds a trainer dead may mark its run interrupted.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(read_only=True)

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open or create the store in `folder`. Raises `StoreError` if that is not possible."""
        return cls(open_database(folder / DATABASE_NAME))

    def close(self) -> None:
        self._engine.dispose()

    def backup(self, path: Path) -> None:
        """Copy everything into a new file while trainers go on. Raises `StoreError` if that is there or cannot be."""
        copy_database(self._engine, path)

    # ------------------------------------------------------------------ for everyone: create, ask to stop

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
        prepare: Callable[[int], None] = lambda _run_id: None,
    ) -> Run:
        """Add a run: queued, or already held by `trainer` if that is given. An empty name becomes `run-<id>`.

        With a `parent_step` it goes on from the parent's checkpoint of that step, and begins with the parent's records
        up to there, then `changed`; with a `plan` it makes those interventions again. `prepare` is called with its
        number before anybody can see it; if that fails, there is no run. Raises `ConfigError` for a name that is
        taken or unusable.
        """
        name = statements.checked_name(name)
        try:
            with self._engine.begin() as connection:
                values = {
                    "config": json.dumps(asdict(config)),
                    "created_at": time.time(),
                    "revision": statements.NEXT_REVISION,
                }
                values |= {"parent_id": parent and parent.id, "parent_step": parent_step}
                values |= {"plan": rows.interventions_text(plan)}
                values |= {"status": RunStatus.QUEUED, "attempt": 0, "name": name or f"unnamed {time.time_ns()}"}
                run_id = connection.execute(insert(runs).values(values).returning(runs.c.id)).scalar_one()
                if not name:
                    statements.set_columns(connection, run_id, name=statements.free_name(connection, f"run-{run_id}"))
                if parent and parent_step is not None:
                    statements.copy_records(connection, parent.id, run_id)
                    statements.forget_after(connection, run_id, parent_step)
                    inherited = [*(one for one in parent.interventions if one.step <= parent_step), *changed]
                    statements.set_columns(
                        connection, run_id, step=parent_step, interventions=rows.interventions_text(inherited)
                    )
                prepare(run_id)
                if trainer:
                    statements.take_run(connection, run_id, trainer)
                return statements.get_run(connection, run_id)
        except IntegrityError as error:
            raise ConfigError("name", f"A run named {name!r} exists already. Choose another name.") from error

    def request_stop(self, run_id: int) -> RunStatus:
        """Take a queued run out of the queue, or ask the trainer of an active one to end. Returns the new status.

        Does nothing to a run that has ended.
        """
        with self._engine.begin() as connection:
            run = statements.get_run(connection, run_id)
            if run.status is RunStatus.QUEUED:
                statements.set_columns(
                    connection, run_id, status=RunStatus.STOPPED, finished_at=time.time(), reason="Taken off the queue."
                )
            elif run.status.is_active:
                statements.set_columns(connection, run_id, status=RunStatus.STOPPING)
            return statements.get_run(connection, run_id).status

    def queue_again(self, run_id: int) -> None:
        """Have an interrupted run go on from its last checkpoint, as a new attempt. Raises `RunStateError`."""
        with self._engine.begin() as connection:
            run = statements.get_run(connection, run_id)
            if run.status is not RunStatus.INTERRUPTED:
                raise RunStateError(f"{run.name} is {run.status}: only an interrupted run can be resumed.")
            statements.set_columns(connection, run_id, status=RunStatus.QUEUED, finished_at=None, reason="")

    def send_order(self, run_id: int, command: Command, adjustment: Adjustment | None = None, *, by: str) -> None:
        """Ask something of the trainer of a run in progress, which obeys within a fraction of a second.

        Raises `RunStateError` when nobody trains it, `ConfigError` when an adjustment is out of range.
        """
        adjustment = adjustment or Adjustment()
        with self._engine.begin() as connection:
            run = statements.get_run(connection, run_id)
            if not run.status.is_active or run.status is RunStatus.STOPPING:
                raise RunStateError(f"{run.name} is {run.status}: there is nothing to {command}.")
            replace(run.config, **adjustment.settings())  # type: ignore[arg-type]  # refuses what does not go together
            if run.train_images and adjustment.batch_size:
                check_batch_fits(adjustment.batch_size, run.train_images)
            text = json.dumps(asdict(adjustment))
            row = {"run_id": run_id, "command": command, "adjustment": text, "given_by": by, "given_at": time.time()}
            connection.execute(insert(orders).values(row))

    def refuse_run(self, run_id: int, reason: str, status: RunStatus = RunStatus.FAILED) -> None:
        """End a queued run that no trainer could be started for; does nothing if one has claimed it."""
        with self._engine.begin() as connection:
            if statements.get_run(connection, run_id).status is RunStatus.QUEUED:
                statements.set_columns(connection, run_id, status=status, finished_at=time.time(), reason=reason)

    # ------------------------------------------------------------------ for the trainer that holds a run

    def claim_run(self, run_id: int, trainer: ProcessIdentity, max_active: int) -> Run | None:
        """Take a queued run for `trainer`, unless it is no longer queued or `max_active` runs are going already."""
        with self._engine.begin() as connection:
            active = connection.execute(select(func.count()).where(runs.c.status.in_(statements.ACTIVE))).scalar_one()
            if active >= max_active or statements.get_run(connection, run_id).status is not RunStatus.QUEUED:
                return None
            statements.take_run(connection, run_id, trainer)
            return statements.get_run(connection, run_id)

    def write_notice(self, run: Run, notice: str) -> RunStatus:
        """Say what a run is doing, such as a download's progress. Returns its status, which may be `stopping`."""
        with self._engine.begin() as connection:
            return statements.write_as_holder(connection, run, notice=notice)

    def beat(self, run: Run) -> RunStatus:
        """A trainer's sign of life while it has nothing to write. Raises `StaleAttemptError` as every write does."""
        with self._engine.begin() as connection:
            return statements.write_as_holder(connection, run)

    def begin_training(
        self,
        run: Run,
        *,
        dataset: str,
        notice: str,
        train_images: int,
        validation_images: int,
        test_images: int,
        device: str,
        threads: int,
    ) -> RunStatus:
        """The dataset is there: the run is `running`, unless somebody has asked it to stop meanwhile."""
        with self._engine.begin() as connection:
            status = statements.write_as_holder(
                connection,
                run,
                dataset=dataset,
                notice=notice,
                train_images=train_images,
                validation_images=validation_images,
                test_images=test_images,
                device=device,
                threads=threads,
                total_steps=epoch_ends(run.config, train_images, run.interventions)[-1],
            )
            return (
                status
                if status is RunStatus.STOPPING
                else statements.write_as_holder(connection, run, status=RunStatus.RUNNING)
            )

    def rewind(self, run: Run, step: int, elapsed_seconds: float) -> None:
        """Forget what was recorded after `step`, from where a new attempt goes on; it will make later changes again."""
        later = [one for one in run.interventions if one.step > step]
        plan = {(one.step, one.field): one for one in [*run.plan, *later]}
        with self._engine.begin() as connection:
            statements.forget_after(connection, run.id, step)
            statements.write_as_holder(
                connection,
                run,
                step=step,
                elapsed_seconds=elapsed_seconds,
                live_confusion=None,
                interventions=rows.interventions_text([one for one in run.interventions if one.step <= step]),
                plan=rows.interventions_text(sorted(plan.values(), key=lambda one: one.step)),
                **statements.results_so_far(connection, run.id),
            )

    def hold(self, run: Run, *, paused: bool) -> RunStatus:
        """Say whether a run is held between two batches; returns its status, which may be `stopping`."""
        with self._engine.begin() as connection:
            status = statements.write_as_holder(connection, run)
            if status is RunStatus.STOPPING:
                return status
            return statements.write_as_holder(connection, run, status=RunStatus.PAUSED if paused else RunStatus.RUNNING)

    def write_interventions(self, run: Run, interventions: Sequence[Intervention]) -> None:
        """Replace the interventions of a run by these, all of them; a changed batch size changes how long it is."""
        with self._engine.begin() as connection:
            total_steps = epoch_ends(run.config, run.train_images, interventions)[-1]
            text = rows.interventions_text(interventions)
            statements.write_as_holder(connection, run, interventions=text, total_steps=total_steps)

    def append(
        self,
        run: Run,
        progress: Progress,
        steps: Sequence[StepMetrics] = (),
        new_evaluations: Sequence[EvalMetrics] = (),
    ) -> RunStatus:
        """Commit what was trained since the last call, in one transaction; this is also the trainer's sign of life.

        Returns the run's status, which may be `stopping`. Raises `StaleAttemptError` if the run is no longer this
        trainer's.
        """
        with self._engine.begin() as connection:
            columns = rows.progress_columns(progress) | rows.result_columns(new_evaluations)
            status = statements.write_as_holder(connection, run, **columns)
            if steps:
                row = {"run_id": run.id, "attempt": run.attempt, "first_step": steps[0].step, "steps": len(steps)}
                connection.execute(insert(step_chunks).values(**row, columns=chunks.pack(steps)))
            for evaluation in new_evaluations:
                connection.execute(insert(evaluations).values(rows.evaluation_row(run, evaluation)))
            return status

    def finish_run(self, run: Run, status: RunStatus, reason: str = "", model_file: str = "") -> None:
        """End a run as its trainer. Raises `StaleAttemptError` if the run is no longer this trainer's."""
        with self._engine.begin() as connection:
            statements.write_as_holder(
                connection, run, status=status, reason=reason, model_file=model_file, finished_at=time.time()
            )

    def interrupt_run(self, run: Run, reason: str, status: RunStatus = RunStatus.INTERRUPTED) -> bool:
        """Mark a run whose trainer is gone; False if it has moved on since `run` was read."""
        with self._engine.begin() as connection:
            try:
                statements.write_as_holder(connection, run, status=status, reason=reason, finished_at=time.time())
            except StaleAttemptError:
                return False
            return True

    # ------------------------------------------------------------------ for readers

    def get_run(self, run_id: int) -> Run:
        """Raises `RunNotFoundError`."""
        with self._reader.connect() as connection, connection.begin():
            return statements.get_run(connection, run_id)

    def find_run(self, name_or_id: str) -> Run:
        """The run of that name, else the one of that number. Raises `RunNotFoundError`."""
        named = select(runs.c.id).where(runs.c.name == name_or_id)
        with self._reader.connect() as connection, connection.begin():
            run_id = connection.execute(named).scalar_one_or_none()
            if run_id is None and not name_or_id.isdecimal():
                raise RunNotFoundError(f"There is no run {name_or_id!r}. `python -m mnist_core runs` lists them.")
            return statements.get_run(connection, int(name_or_id) if run_id is None else run_id)

    def list_runs(self, statuses: Collection[RunStatus] = ()) -> list[Run]:
        """All runs, or those in one of `statuses`, oldest first."""
        query = select(runs).order_by(runs.c.id)
        if statuses:
            query = query.where(runs.c.status.in_(list(statuses)))
        with self._reader.connect() as connection, connection.begin():
            return [rows.run_from(row) for row in connection.execute(query)]

    def list_active_runs(self) -> list[Run]:
        """Runs held by a trainer, oldest first."""
        return self.list_runs(statements.ACTIVE)

    def list_beats(self) -> dict[int, int]:
        """By id of each run held by a trainer, a number that moves whenever the run is written to."""
        query = select(runs.c.id, runs.c.revision).where(runs.c.status.in_(statements.ACTIVE))
        with self._reader.connect() as connection, connection.begin():
            return {row.id: row.revision for row in connection.execute(query)}

    def list_queued_runs(self) -> list[Run]:
        """Runs waiting for a trainer, in the order they will start."""
        return self.list_runs([RunStatus.QUEUED])

    def list_unfinished_runs(self) -> list[Run]:
        """Runs held by a trainer, then those waiting for one, in the order they will start."""
        return sorted(self.list_runs([*statements.ACTIVE, RunStatus.QUEUED]), key=lambda run: not run.status.is_active)

    def latest_run(self) -> Run | None:
        """The run created last."""
        with self._reader.connect() as connection, connection.begin():
            row = connection.execute(select(runs).order_by(runs.c.id.desc()).limit(1)).first()
            return rows.run_from(row) if row else None

    def read_steps(self, run_id: int) -> np.ndarray:
        """Every step of a run from 1 on, as a structured array of `chunks.STEP_COLUMNS`."""
        table = step_chunks
        query = select(table.c.steps, table.c.columns).where(table.c.run_id == run_id).order_by(table.c.first_step)
        with self._reader.connect() as connection, connection.begin():
            return chunks.unpack((row.steps, row.columns) for row in connection.execute(query))

    def count_steps(self, run_id: int) -> int:
        """How many steps of a run are recorded."""
        query = select(func.coalesce(func.sum(step_chunks.c.steps), 0)).where(step_chunks.c.run_id == run_id)
        with self._reader.connect() as connection, connection.begin():
            return int(connection.execute(query).scalar_one())

    def list_evaluations(self, run_id: int) -> list[EvalMetrics]:
        """Every evaluation of a run, in order."""
        query = select(evaluations).where(evaluations.c.run_id == run_id).order_by(evaluations.c.id)
        with self._reader.connect() as connection, connection.begin():
            return [rows.evaluation_from(row) for row in connection.execute(query)]

    def read_changes(self, after: Cursor) -> Changes:
        """Everything committed since `after`, over all runs, read at one instant."""
        with self._reader.connect() as connection, connection.begin():
            return changes.read_changes(connection, after)

    def end_cursor(self) -> Cursor:
        """The cursor from which `read_changes` returns only what is committed from now on."""
        with self._reader.connect() as connection, connection.begin():
            return changes.end_cursor(connection)

    def read_orders(self, run_id: int, after: int) -> list[Order]:
        """What people have asked of a run since the order with the id `after`, oldest first."""
        query = select(orders).where((orders.c.run_id == run_id) & (orders.c.id > after)).order_by(orders.c.id)
        with self._reader.connect() as connection, connection.begin():
            return [rows.order_from(row) for row in connection.execute(query)]

    def watch(self) -> ChangeWatch:
        """A cheap way to learn that anything was committed; close it when done."""
        return ChangeWatch(self._engine)
