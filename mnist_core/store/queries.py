"""Everything that can be read from the store. Each method sees one instant and blocks no writer."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from sqlalchemy import ColumnElement, Connection, Engine, func, or_, select

from mnist_core.annotations import normalize_text
from mnist_core.errors import DamagedRunError, RunNotFoundError, StoreError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import (
    EvalMetrics,
    LayerNorms,
    NetworkSource,
    PendingCommand,
    Run,
    RunFile,
    RunStatus,
    encode_json,
)
from mnist_core.store import change_feed, rows, sql, stored_evaluations
from mnist_core.store.change_feed import Changes, ChangeWatch, Cursor
from mnist_core.store.codecs import step_codec
from mnist_core.store.schema import layer_norms, pending_commands, run_files, runs, step_chunks, test_sets
from mnist_core.store.stored_evaluations import ImagePrediction, StoredEvaluation
from mnist_core.system.paths import PROGRAM

MAX_ID_DIGITS = 18
"""Maximum length of a run's id as text: longer numbers may exceed the integers of SQLite."""


READ_BATCH = 500
"""Runs that `read_runs` holds in memory at once, about 6 kB each."""


class Queries:
    """All queries. Anyone may call them.

    A damaged run is returned like the others, with `Run.damage`. Damage to its steps and evaluations shows when they
    are read: `DamagedRunError` is raised, and from then on the run counts as damaged.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.execution_options(read_only=True)
        self._damage: dict[int, str] = {}
        """What was found damaged outside the rows of the runs, by run."""

    def get_run(self, run_id: int) -> Run:
        """Raises `RunNotFoundError`."""
        with self._reader.connect() as connection, connection.begin():
            return self._with_damage(sql.get_run(connection, run_id))

    def damage_of(self, run: Run) -> str:
        """Return what of the run cannot be read, as far as it is known by now; empty for a sound run."""
        return run.damage or self._damage.get(run.id, "")

    def _with_damage(self, run: Run) -> Run:
        damage = self.damage_of(run)
        return replace(run, damage=damage) if damage else run

    @contextmanager
    def _reading(self, run_id: int, part: str) -> Iterator[Connection]:
        """Connect for reading, turn every error of damaged values into `DamagedRunError`, and remember the damage."""
        try:
            with self._reader.connect() as connection, connection.begin():
                yield connection
        except StoreError:
            raise
        except Exception as error:  # whatever a damaged value may cause
            self._damage[run_id] = rows.describe_damage(part, error)
            raise DamagedRunError(
                f"{self.list_names().get(run_id, f'Run {run_id}')}: {self._damage[run_id]}"
            ) from error

    def get_runs(self, run_ids: Sequence[int]) -> list[Run]:
        """Return the runs with these ids, in this order, without those that are missing or in the bin."""
        wanted = func.json_each(encode_json([*run_ids])).table_valued("value")  # one parameter, however many runs
        by_id = {run.id: run for run in self._list(sql.NOT_DELETED & runs.c.id.in_(select(wanted.c.value)))}
        return [by_id[run_id] for run_id in run_ids if run_id in by_id]

    def find_run(self, name_or_id: str, *, deleted: bool = False) -> Run:
        """Return the run with this name, else the run with this id; with `deleted`, search only the bin.

        Raises `RunNotFoundError`.
        """
        is_searched = ~sql.NOT_DELETED if deleted else sql.NOT_DELETED
        is_number = name_or_id.isdecimal() and len(name_or_id) <= MAX_ID_DIGITS
        names = [name_or_id, normalize_text(name_or_id)]  # earlier versions stored names as typed
        matches = or_(runs.c.name.in_(names), runs.c.id == (int(name_or_id) if is_number else None))
        named_first = runs.c.name.in_(names).desc()
        query = select(runs).where(matches & is_searched).order_by(named_first, runs.c.deleted_at.desc()).limit(1)
        with self._reader.connect() as connection, connection.begin():
            if found := sql.read_runs(connection, query):
                return self._with_damage(found[0])
        where, flag = (" in the bin", " --deleted") if deleted else ("", "")
        raise RunNotFoundError(f"There is no run {name_or_id!r}{where}. `{PROGRAM} runs{flag}` lists them.")

    def list_runs(self, statuses: Collection[RunStatus] | None = None) -> list[Run]:
        """Return the runs in one of `statuses`, or in any, oldest first, without the bin."""
        return self._list(sql.NOT_DELETED if statuses is None else sql.NOT_DELETED & runs.c.status.in_(list(statuses)))

    def list_sound_runs(self) -> list[Run]:
        """Return the runs outside the bin that are not damaged, oldest first."""
        return [run for run in self.list_runs() if not run.damage]

    def read_runs(self, after_revision: int = 0) -> Iterator[list[Run]]:
        """Yield every run written after a revision, oldest first, in batches that are each read at one instant.

        Runs in the bin are among them. For all later changes, ask again with the revision of a `latest_cursor` from
        before the call.
        """
        last_id = 0
        while batch := self._list((runs.c.revision > after_revision) & (runs.c.id > last_id), limit=READ_BATCH):
            yield batch
            last_id = batch[-1].id

    def list_deleted_runs(self) -> list[Run]:
        """Return the runs in the bin, oldest first."""
        return self._list(~sql.NOT_DELETED)

    def list_children(self, run_id: int) -> list[Run]:
        """Return the runs that continue or repeat this one, oldest first, without the bin."""
        return self._list((runs.c.parent_id == run_id) & sql.NOT_DELETED)

    def list_active_runs(self) -> list[Run]:
        """Return the runs held by a trainer, oldest first, including deleted ones that are still stopping."""
        return self._list(runs.c.status.in_(sql.ACTIVE_STATUSES))

    def count_active_trainers(self) -> int:
        """Return the number of trainers that hold runs; see `sql.count_active_trainers`."""
        with self._reader.connect() as connection, connection.begin():
            return sql.count_active_trainers(connection)

    def list_lanes(self, race_id: int) -> list[Run]:
        """Return the runs of a race, oldest first, without the bin."""
        return self._list((runs.c.race_id == race_id) & sql.NOT_DELETED)

    def list_queued_runs(self) -> list[Run]:
        """Return the runs that wait for a trainer, in the order they will start."""
        return sorted(self._list(runs.c.status == RunStatus.QUEUED), key=lambda run: run.queue_order)

    def list_unfinished_runs(self) -> list[Run]:
        """Return the runs held by a trainer, then the queued ones in the order they will start."""
        unfinished = self._list(runs.c.status.in_([*sql.ACTIVE_STATUSES, RunStatus.QUEUED]))
        queued = [run for run in unfinished if run.status is RunStatus.QUEUED]
        return [run for run in unfinished if run.status.is_active] + sorted(queued, key=lambda run: run.queue_order)

    def _list(self, which: ColumnElement[bool], *, limit: int | None = None) -> list[Run]:
        with self._reader.connect() as connection, connection.begin():
            selected = sql.read_runs(connection, select(runs).where(which).order_by(runs.c.id).limit(limit))
            return [self._with_damage(run) for run in selected]

    def list_names(self) -> dict[int, str]:
        """Return the name of every run by id, newest first, without the bin."""
        query = select(runs.c.id, runs.c.name).where(sql.NOT_DELETED).order_by(runs.c.id.desc())
        with self._reader.connect() as connection, connection.begin():
            return {row.id: row.name for row in connection.execute(query)}

    def list_runs_with_weights(self) -> dict[int, str]:
        """Return the name of every run with recorded weights by id, newest first, without the bin."""
        has_weights = runs.c.id.in_(select(run_files.c.run_id))
        query = select(runs.c.id, runs.c.name).where(sql.NOT_DELETED & has_weights).order_by(runs.c.id.desc())
        with self._reader.connect() as connection, connection.begin():
            return {row.id: row.name for row in connection.execute(query)}

    def list_heartbeats(self) -> dict[int, int]:
        """Return a number for each run held by a trainer, by id; it changes with every write to the run."""
        query = select(runs.c.id, runs.c.revision).where(runs.c.status.in_(sql.ACTIVE_STATUSES))
        with self._reader.connect() as connection, connection.begin():
            return {row.id: row.revision for row in connection.execute(query)}

    def list_silent_seconds(self) -> dict[int, float]:
        """Return the seconds since the last heartbeat of each run held by a trainer, by id, on the database's clock."""
        silent_seconds = sql.DATABASE_CLOCK - runs.c.heartbeat_at
        query = select(runs.c.id, silent_seconds.label("silent")).where(runs.c.status.in_(sql.ACTIVE_STATUSES))
        with self._reader.connect() as connection, connection.begin():
            return {row.id: row.silent for row in connection.execute(query)}

    def latest_run(self) -> Run | None:
        """Return the newest run outside the bin; None if there is none."""
        with self._reader.connect() as connection, connection.begin():
            latest = sql.read_runs(connection, select(runs).where(sql.NOT_DELETED).order_by(runs.c.id.desc()).limit(1))
            return self._with_damage(latest[0]) if latest else None

    def previous_run(self, run: Run) -> Run | None:
        """Return the last run before this one that trained on the same dataset, without the bin; else None."""
        earlier = (runs.c.id < run.id) & (runs.c.dataset == run.dataset) & (runs.c.step > 0) & sql.NOT_DELETED
        with self._reader.connect() as connection, connection.begin():
            found = sql.read_runs(connection, select(runs).where(earlier).order_by(runs.c.id.desc()).limit(1))
        previous = self._with_damage(found[0]) if found else None
        return None if previous is None or previous.damage else previous

    def read_steps(self, run_id: int) -> np.ndarray:
        """Return every step of a run, starting at step 1, as a structured array of `step_codec.STEP_COLUMNS`.

        Raises `DamagedRunError`.
        """
        table = step_chunks
        query = select(table.c.steps, table.c.columns).where(table.c.run_id == run_id).order_by(table.c.first_step)
        with self._reading(run_id, "Its steps") as connection:
            return step_codec.unpack((row.steps, row.columns) for row in connection.execute(query))

    def read_rates_at(self, run_id: int, step: int) -> tuple[float, ...]:
        """Return the learning rates of `step` and of the next one, as far as they are recorded.

        Raises `DamagedRunError`.
        """
        table = step_chunks
        chunks = table.c.run_id == run_id, table.c.first_step <= step + 1, table.c.first_step + table.c.steps > step
        query = select(table.c.first_step, table.c.steps, table.c.columns).where(*chunks).order_by(table.c.first_step)
        with self._reading(run_id, "Its steps") as connection:
            chunks_read = connection.execute(query).all()
            if not chunks_read:
                return ()
            rates = step_codec.unpack((row.steps, row.columns) for row in chunks_read)["lr"]
        start = step - chunks_read[0].first_step
        return tuple(rates[max(start, 0) : start + 2].tolist())

    def count_steps(self, run_id: int) -> int:
        """Return the number of recorded steps of a run."""
        query = select(func.coalesce(func.sum(step_chunks.c.steps), 0)).where(step_chunks.c.run_id == run_id)
        with self._reader.connect() as connection, connection.begin():
            return int(connection.execute(query).scalar_one())

    def list_evaluations(self, run_id: int, *, probabilities: bool = False) -> list[EvalMetrics]:
        """Return every evaluation of a run, in order, with probabilities only if asked. Raises `DamagedRunError`."""
        with self._reading(run_id, "Its evaluations") as connection:
            return stored_evaluations.read_all(connection, run_id, probabilities=probabilities)

    def list_stored_evaluations(self, run_id: int) -> list[StoredEvaluation]:
        """Return every evaluation of a run without its predictions, in order. Raises `DamagedRunError`."""
        with self._reading(run_id, "Its evaluations") as connection:
            return stored_evaluations.read_heads(connection, run_id)

    def get_evaluation(self, run_id: int, evaluation_id: int) -> EvalMetrics:
        """Return one evaluation with its probabilities. Raises `EvaluationNotFoundError` or `DamagedRunError`."""
        with self._reading(run_id, "Its evaluations") as connection:
            return stored_evaluations.get_evaluation(connection, run_id, evaluation_id)

    def list_image_predictions(self, run_id: int, split: str, image: int) -> list[ImagePrediction]:
        """Return what each evaluation on a split predicted for one image, in order. Raises `DamagedRunError`."""
        with self._reading(run_id, "Its evaluations") as connection:
            return stored_evaluations.read_image(connection, run_id, split, image)

    def list_files(self, run_id: int) -> list[RunFile]:
        """Return the recorded files of a run, oldest first; some may be missing on the disk.

        Raises `DamagedRunError`.
        """
        query = select(run_files).where(run_files.c.run_id == run_id).order_by(run_files.c.id)
        with self._reading(run_id, "Its list of files") as connection:
            return [rows.file_from_row(row) for row in connection.execute(query)]

    def list_layer_norms(self, run_id: int) -> list[LayerNorms]:
        """Return the norms by layer of a run at the steps that were measured, ascending. Raises `DamagedRunError`."""
        query = select(layer_norms).where(layer_norms.c.run_id == run_id).order_by(layer_norms.c.step)
        with self._reading(run_id, "Its norms by layer") as connection:
            return [rows.norms_from_row(row) for row in connection.execute(query)]

    def find_network(self, model: str) -> NetworkSource | None:
        """Return the recorded source of the user's own network that a value of the setting `model` names, else None.

        It is for reading: only code with `is_own` may be run, see `check_network`.
        """
        network = OwnNetwork.parse(model)
        if network is None or not network.digest:
            return None
        with self._reader.connect() as connection, connection.begin():
            return sql.find_network(connection, network)

    def check_network(self, model: str) -> None:
        """Raise `ConfigError` if runs with this value of the setting `model` cannot be trained or loaded here."""
        with self._reader.connect() as connection, connection.begin():
            sql.check_network(connection, model)

    def test_labels(self, checksum: str) -> np.ndarray | None:
        """Return the labels (uint8) of the test set with this checksum, in prediction order; None if unknown."""
        query = select(test_sets.c.labels).where(test_sets.c.checksum == checksum)
        with self._reader.connect() as connection, connection.begin():
            labels = connection.execute(query).scalar_one_or_none()
            return None if labels is None else np.frombuffer(labels, np.uint8)

    def read_changes(self, after: Cursor) -> Changes:
        """Return everything committed after the cursor `after`, over all runs, read at one instant."""
        with self._reader.connect() as connection, connection.begin():
            changes = change_feed.read_changes(connection, after)
        return replace(changes, runs=[self._with_damage(run) for run in changes.runs])

    def latest_cursor(self) -> Cursor:
        """Return a cursor after everything committed so far."""
        with self._reader.connect() as connection, connection.begin():
            return change_feed.latest_cursor(connection)

    def list_commands(self, run_id: int, after: int) -> list[PendingCommand]:
        """Return the commands sent to a run after the command with the id `after`, oldest first."""
        query = (
            select(pending_commands)
            .where((pending_commands.c.run_id == run_id) & (pending_commands.c.id > after))
            .order_by(pending_commands.c.id)
        )
        with self._reader.connect() as connection, connection.begin():
            return [rows.command_from_row(row) for row in connection.execute(query)]

    def watch(self) -> ChangeWatch:
        """Return a cheap detector of commits; close it when done."""
        return ChangeWatch(self._engine)
