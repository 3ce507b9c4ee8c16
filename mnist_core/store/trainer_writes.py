"""Everything that a trainer records about the run that it holds; its attempt number proves that it holds the run.

Once it no longer holds the run, every method raises `StaleAttemptError` and writes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from sqlalchemy import Connection, Engine, delete, insert

from mnist_core.records import (
    EvalMetrics,
    Intervention,
    LayerNorms,
    ProcessIdentity,
    Progress,
    Provenance,
    Run,
    RunFile,
    RunStatus,
    StepMetrics,
)
from mnist_core.store import queue, rows, sql
from mnist_core.store.codecs import step_codec
from mnist_core.store.schema import evaluations, layer_norms, run_files, step_chunks
from mnist_core.training.epoch_ends import epoch_ends

QUICK_SECONDS = 1.0
"""How long `append_steps` and `set_notice` wait for another writer: training goes on if they fail."""


class TrainerWrites:
    """Writes of a trainer. Only the process that holds the run may call these methods."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._quick = engine.execution_options(busy_seconds=QUICK_SECONDS)

    def claim_run(self, run_id: int, trainer: ProcessIdentity, max_active: int) -> Run | None:
        """Claim a queued run for `trainer`; None if it is no longer queued or `max_active` trainers are active already.

        A damaged run is not claimed but ended as failed, so that the queue moves on.
        """
        with self._engine.begin() as connection:
            run = sql.get_run(connection, run_id)
            if sql.count_active_trainers(connection) >= max_active or run.status is not RunStatus.QUEUED:
                return None
            return _claim(connection, run, trainer)

    def claim_lanes(self, run_id: int, trainer: ProcessIdentity, max_active: int) -> list[Run]:
        """Claim a queued run with all queued lanes of its race, if it is in one; otherwise like `claim_run`."""
        with self._engine.begin() as connection:
            lanes = queue.queued_together(connection, run_id)
            if sql.count_active_trainers(connection) >= max_active or run_id not in [lane.id for lane in lanes]:
                return []
            return [claimed for lane in lanes if (claimed := _claim(connection, lane, trainer))]

    def set_notice(self, run: Run, notice: str) -> RunStatus:
        """Set the notice of a run, such as a download's progress. Returns its status, which may be `stopping`."""
        with self._quick.begin() as connection:
            return sql.update_held_run(connection, run, notice=notice)

    def heartbeat(self, run: Run) -> RunStatus:
        """Report that the trainer is alive when it has nothing to write. Returns the status of the run."""
        with self._engine.begin() as connection:
            return sql.update_held_run(connection, run)

    def record_file(self, run: Run, file: RunFile) -> RunStatus:
        """Record a file just before it takes its place; this also reports that the trainer is alive.

        A file that is on the disk but not recorded is therefore never this run's. Returns the status of the run.
        """
        with self._engine.begin() as connection:
            status = sql.update_held_run(connection, run)
            sql.record_file(connection, run.id, file)
            return status

    def forget_files_after(self, run: Run, step: int) -> RunStatus:
        """Forget the files of later steps, which the run removed when it went back. Returns its status."""
        with self._engine.begin() as connection:
            status = sql.update_held_run(connection, run)
            _forget_files_after(connection, run, step)
            return status

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
        """Record the dataset and set the run to `running`, unless it was asked to stop. Returns its status."""
        with self._engine.begin() as connection:
            status = sql.update_held_run(
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
                else sql.update_held_run(connection, run, status=RunStatus.RUNNING)
            )

    def write_provenance(self, run: Run, provenance: Provenance, test_labels: np.ndarray) -> None:
        """Record the provenance of a run. The labels (uint8) are stored once for all runs with the same test set.

        Imported results on this test set are checked with them.
        """
        with self._engine.begin() as connection:
            columns = rows.column_values(provenance=provenance, threads=provenance.threads)
            sql.update_held_run(connection, run, **columns)
            sql.save_test_labels(connection, provenance.test_checksum, test_labels, is_own=True)
            sql.verify_imported_runs(connection, provenance.test_checksum, test_labels)

    def rewind(self, run: Run, step: int, elapsed_seconds: float) -> None:
        """Delete the records after `step`, where a new attempt continues; it repeats the later interventions.

        Files of later steps are no longer the run's. Those from before the store recorded files stay listed, since
        their content must prove to be the run's whenever they are read.
        """
        earlier = tuple(change for change in run.interventions if change.step <= step)
        later = [change for change in run.interventions if change.step > step]
        plan = {(change.step, change.field): change for change in [*run.plan, *later]}
        columns = rows.column_values(
            interventions=earlier, plan=tuple(sorted(plan.values(), key=lambda change: change.step))
        )
        with self._engine.begin() as connection:
            sql.delete_records_after(connection, run.id, step)
            _forget_files_after(connection, run, step)
            sql.update_held_run(
                connection,
                run,
                step=step,
                elapsed_seconds=elapsed_seconds,
                live_confusion=None,
                **columns,
                **sql.compute_results(connection, run.id),
            )

    def set_paused(self, run: Run, *, paused: bool) -> RunStatus:
        """Set a run to paused or running. Returns its status, which may be `stopping`."""
        with self._engine.begin() as connection:
            status = sql.update_held_run(connection, run)
            if status is RunStatus.STOPPING:
                return status
            return sql.update_held_run(connection, run, status=RunStatus.PAUSED if paused else RunStatus.RUNNING)

    def set_interventions(self, run: Run, interventions: Sequence[Intervention]) -> None:
        """Replace all interventions of a run, and its total steps, which depend on the batch size."""
        with self._engine.begin() as connection:
            total_steps = epoch_ends(run.config, run.train_images, interventions)[-1]
            columns = rows.column_values(interventions=tuple(interventions), total_steps=total_steps)
            sql.update_held_run(connection, run, **columns)

    def append_steps(
        self,
        run: Run,
        progress: Progress,
        steps: Sequence[StepMetrics] = (),
        new_evaluations: Sequence[EvalMetrics] = (),
        curve: np.ndarray | None = None,
        *,
        norms: Sequence[LayerNorms] = (),
    ) -> RunStatus:
        """Commit everything since the last call in one transaction; this also reports that the trainer is alive.

        `curve` is the new `Run.curve`; None leaves it unchanged. Returns the run's status, which may be `stopping`.
        """
        with self._quick.begin() as connection:
            columns = rows.column_values(progress=progress) | rows.result_columns(new_evaluations)
            columns |= rows.column_values(curve=tuple(curve)) if curve is not None else {}
            status = sql.update_held_run(connection, run, **columns)
            if steps:
                chunk = {"run_id": run.id, "attempt": run.attempt, "first_step": steps[0].step, "steps": len(steps)}
                connection.execute(insert(step_chunks).values(**chunk, columns=step_codec.pack(steps)))
            for measured in norms:
                row = rows.norms_row(run.id, measured)
                connection.execute(insert(layer_norms).prefix_with("OR REPLACE").values(row))
            for evaluation in new_evaluations:
                # An earlier attempt may have recorded it and been killed before it saved that it had.
                is_same = (evaluations.c.step == evaluation.step) & (evaluations.c.split == evaluation.split)
                is_earlier = (evaluations.c.run_id == run.id) & (evaluations.c.attempt < run.attempt)
                connection.execute(delete(evaluations).where(is_same & is_earlier))
                connection.execute(insert(evaluations).values(rows.evaluation_row(run, evaluation)))
            return status

    def finish_run(
        self, run: Run, status: RunStatus, reason: str = "", model_file: str = "", *, lost_patience: bool = False
    ) -> None:
        """End a run. Without a reason, one that is stopped keeps that of `Commands.request_stop`."""
        columns = {
            "status": status,
            "model_file": model_file,
            "finished_at": time.time(),
            "lost_patience": lost_patience,
        }
        if reason or status is not RunStatus.STOPPED:
            columns["reason"] = reason
        with self._engine.begin() as connection:
            sql.update_held_run(connection, run, **columns)
            if status.is_finished:
                sql.compact_steps(connection, run.id)


def _claim(connection: Connection, run: Run, trainer: ProcessIdentity) -> Run | None:
    """Claim a queued run. A damaged one is ended as failed instead, so that the queue moves on."""
    if run.damage:
        values = {"status": RunStatus.FAILED, "reason": run.damage, "finished_at": time.time()}
        sql.update_run(connection, run.id, **values)
        return None
    sql.claim(connection, run.id, trainer)
    return sql.get_run(connection, run.id)


def _forget_files_after(connection: Connection, run: Run, step: int) -> None:
    is_later = (run_files.c.run_id == run.id) & (run_files.c.step > step) & (run_files.c.sha256 != "")
    connection.execute(delete(run_files).where(is_later))
