"""SQL that several parts of the store share. Each function runs in its caller's transaction."""

from __future__ import annotations

import json
import secrets
import time
from contextlib import suppress
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select, delete, func, insert, literal, select, update
from sqlalchemy.exc import DBAPIError

from mnist_core.annotations import MAX_NAME_LENGTH
from mnist_core.errors import ConfigError, RunNotFoundError, RunStateError, StaleAttemptError, StoreError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import (
    REMOVED_FROM_QUEUE,
    FileKind,
    NetworkSource,
    ProcessIdentity,
    Results,
    Run,
    RunFile,
    RunStatus,
    matches_labels,
)
from mnist_core.store import rows
from mnist_core.store.codecs import step_codec
from mnist_core.store.schema import (
    evaluation_columns,
    evaluations,
    layer_norms,
    networks,
    pending_commands,
    run_files,
    runs,
    step_chunks,
    test_sets,
)

ACTIVE_STATUSES = [status for status in RunStatus if status.is_active]
NOT_DELETED = runs.c.deleted_at.is_(None)
"""True for runs outside the bin."""
UID_BYTES = 8
"""Random bytes in the identity of a run. The chance that two of a million runs share one is 3 in 100 million."""
REMEMBERED_STEPS = 4
"""Number of steps whose files the store remembers, by kind: more than a run keeps at any moment."""
DATABASE_CLOCK = func.unixepoch("subsec")
"""Seconds since 1970 on the clock that all processes with this database share."""
MAX_SUFFIX_LENGTH = 12
"""More than the characters of any number that is appended to a name."""
NEXT_REVISION = select(func.coalesce(func.max(runs.c.revision), 0) + 1).scalar_subquery()


def unused_name(connection: Connection, wanted: str) -> str:
    """Return the first of `wanted`, `wanted-2`, `wanted-3`, … that no run outside the bin has."""
    stem = wanted[: MAX_NAME_LENGTH - MAX_SUFFIX_LENGTH]
    is_similar = (runs.c.name >= stem) & (runs.c.name < stem + "\U0010ffff") & NOT_DELETED
    taken = set(connection.execute(select(runs.c.name).where(is_similar)).scalars())
    name, number = wanted, 1
    while name in taken:
        number += 1
        suffix = f"-{number}"
        name = wanted[: MAX_NAME_LENGTH - len(suffix)] + suffix
    return name


def delete_records_after(connection: Connection, run_id: int, step: int) -> None:
    """Delete the steps, evaluations and norms of a run after `step`."""
    last = step_chunks.c.first_step + step_chunks.c.steps - 1
    for row in connection.execute(select(step_chunks).where((step_chunks.c.run_id == run_id) & (last > step))).all():
        is_chunk = step_chunks.c.id == row.id
        remaining = step + 1 - row.first_step
        if remaining <= 0:
            connection.execute(delete(step_chunks).where(is_chunk))
        else:
            packed = step_codec.pack_table(step_codec.unpack([(row.steps, row.columns)])[:remaining])
            connection.execute(update(step_chunks).where(is_chunk).values(steps=remaining, columns=packed))
    for table in (evaluations, layer_norms):
        connection.execute(delete(table).where((table.c.run_id == run_id) & (table.c.step > step)))


def copy_records(connection: Connection, source: int, target: int) -> None:
    """Copy the steps, evaluations and norms of the run `source` to the run `target`, as before its first attempt."""
    for table in (step_chunks, evaluations, layer_norms):
        copied = {column.name: column for column in table.columns if column.name != "id"}
        replaced = {"run_id": literal(target), "attempt": literal(0)}
        values = [replaced.get(name, column) for name, column in copied.items()]
        query = select(*values).where(table.c.run_id == source).order_by(*table.primary_key)
        connection.execute(insert(table).from_select([*copied], query))


def compute_results(connection: Connection, run_id: int) -> dict[str, Any]:
    """Return the columns of a run's results, computed from all its evaluations."""
    query = select(*evaluation_columns).where(evaluations.c.run_id == run_id).order_by(evaluations.c.id)
    stored = [rows.evaluation_from_row(row) for row in connection.execute(query)]
    columns = rows.column_values(results=Results()) | rows.result_columns(stored)
    validations = [evaluation.accuracy for evaluation in stored if evaluation.split == "validation"]
    return columns | ({"best_validation_accuracy": max(validations)} if validations else {})


def claim(connection: Connection, run_id: int, trainer: ProcessIdentity) -> None:
    """Hand a run to a trainer as a new attempt, so that writes of the previous attempt's trainer are refused.

    Commands to the previous attempt are deleted. The new trainer carries out commands from now on, even those that it
    gets while it prepares. The run keeps its first start, from which exports compute the times of its steps.
    """
    connection.execute(delete(pending_commands).where(pending_commands.c.run_id == run_id))
    update_run(
        connection,
        run_id,
        status=RunStatus.PREPARING,
        attempt=runs.c.attempt + 1,
        started_at=func.coalesce(runs.c.started_at, time.time()),
        heartbeat_at=DATABASE_CLOCK,
        **rows.column_values(trainer=trainer),
    )


def count_active_trainers(connection: Connection) -> int:
    """Return the number of trainers that hold runs of no sweep. Lanes of a race that one process trains count once."""
    lane = func.coalesce(runs.c.race_id, -runs.c.id), runs.c.trainer_pid, runs.c.trainer_start_ticks
    query = select(*lane).where(runs.c.status.in_(ACTIVE_STATUSES) & runs.c.sweep_id.is_(None)).distinct()
    return int(connection.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def steered_together(connection: Connection, run: Run) -> list[int]:
    """Return the ids of the active runs that pause when this one does: itself, or the lanes of its race beside it."""
    if run.race_id is None:
        return [run.id]
    is_beside = (runs.c.race_id == run.race_id) & runs.c.status.in_(ACTIVE_STATUSES)
    lanes = read_runs(connection, select(runs).where(is_beside).order_by(runs.c.id))
    return [lane.id for lane in lanes if lane.trainer == run.trainer and lane.status is not RunStatus.STOPPING]


def request_stop(connection: Connection, run: Run, reason: str = "") -> None:
    """Take a run off the queue, or ask its trainer to stop, for a reason; do nothing to a run that has ended."""
    if run.status is RunStatus.QUEUED:
        values = {"status": RunStatus.STOPPED, "finished_at": time.time(), "reason": REMOVED_FROM_QUEUE}
        update_run(connection, run.id, **values)
    elif run.status.is_active:
        update_run(connection, run.id, status=RunStatus.STOPPING, reason=reason)


def insert_run(connection: Connection, columns: dict[str, Any]) -> int:
    """Add a row with a new identity to the table `runs`; returns its id."""
    query = (
        insert(runs).values(uid=secrets.token_hex(UID_BYTES), revision=NEXT_REVISION, **columns).returning(runs.c.id)
    )
    return int(connection.execute(query).scalar_one())


def update_run(connection: Connection, run_id: int, **values: Any) -> None:
    """Set columns of a run, regardless of the attempt that holds it."""
    connection.execute(update(runs).where(runs.c.id == run_id).values(revision=NEXT_REVISION, **values))


def update_held_run(connection: Connection, run: Run, **values: Any) -> RunStatus:
    """Set columns of a run for the attempt that holds it. Returns its status; raises `StaleAttemptError`."""
    is_same_attempt = (runs.c.id == run.id) & (runs.c.uid == run.uid) & (runs.c.attempt == run.attempt)
    is_held = is_same_attempt & runs.c.status.in_(ACTIVE_STATUSES)
    values |= {"revision": NEXT_REVISION, "heartbeat_at": DATABASE_CLOCK}
    statement = update(runs).where(is_held).values(values).returning(runs.c.status)
    status = connection.execute(statement).scalar_one_or_none()
    if status is None:
        raise StaleAttemptError(
            f"Attempt {run.attempt} at {run.name} no longer holds the run: it has ended or was taken over. "
            "Nothing was written."
        )
    return RunStatus(status)


def read_runs(connection: Connection, query: Select[Any]) -> list[Run]:
    """Return the runs that a query of the table `runs` selects; see `rows.run_from_row` for damaged ones."""
    try:
        return [rows.run_from_row(row) for row in connection.execute(query)]
    except StoreError:
        raise
    except Exception:
        # A value that cannot be fetched, such as text that is not UTF-8, spoils the query for all rows.
        ids = connection.execute(query.with_only_columns(runs.c.id)).scalars().all()
        return [rows.run_from_row(_fetch_readable(connection, run_id)) for run_id in ids]


def _fetch_readable(connection: Connection, run_id: int) -> Any:
    """Return the columns of a run that can be fetched, as attributes."""
    values = {}
    for column in runs.columns:
        with suppress(TypeError, ValueError, DBAPIError):
            values[column.name] = connection.execute(select(column).where(runs.c.id == run_id)).scalar_one()
    return SimpleNamespace(**values)


def get_run(connection: Connection, run_id: int) -> Run:
    """Raises `RunNotFoundError`."""
    found = read_runs(connection, select(runs).where(runs.c.id == run_id))
    if not found:
        raise RunNotFoundError(f"There is no run {run_id}.")
    return found[0]


def get_undeleted_run(connection: Connection, run_id: int) -> Run:
    """Return a run outside the bin. Raises `RunStateError` if it is in the bin."""
    run = get_run(connection, run_id)
    if run.deleted_at is not None:
        raise RunStateError(f"{run.name} is in the bin. Restore it first.")
    return run


def check_sound(run: Run) -> None:
    """Raise `RunStateError` for a damaged run."""
    if run.damage:
        raise RunStateError(f"{run.name} is damaged. {run.damage}")


def record_file(connection: Connection, run_id: int, file: RunFile) -> None:
    """Record a file of a run, and forget those of the same kind from steps so early that they are superseded.

    Snapshots are kept, so none of them is superseded.
    """
    same_kind = (run_files.c.run_id == run_id) & (run_files.c.kind == file.kind) & (run_files.c.sha256 != "")
    connection.execute(insert(run_files).values(run_id=run_id, **asdict(file)))
    if file.kind is FileKind.SNAPSHOT:
        return
    steps = select(run_files.c.step).where(same_kind).distinct().order_by(run_files.c.step.desc())
    superseded = connection.execute(steps.offset(REMEMBERED_STEPS)).scalars().all()
    connection.execute(delete(run_files).where(same_kind & run_files.c.step.in_(superseded)))


def save_network(connection: Connection, source: NetworkSource) -> None:
    """Store the source of a network. One that the user gave here stays the user's own when it is imported later."""
    fields = ("sha256", "file", "text", "path", "is_own")
    row = {name: getattr(source, name) for name in fields}
    connection.execute(insert(networks).prefix_with("OR REPLACE" if source.is_own else "OR IGNORE").values(row))


def find_network(connection: Connection, network: OwnNetwork) -> NetworkSource | None:
    """Return the recorded source of this version of a network, the user's own first; None if there is none."""
    is_version = networks.c.sha256.startswith(network.digest, autoescape=True) & (networks.c.file == network.file)
    query = select(networks).where(is_version).order_by(networks.c.is_own.desc())
    for row in connection.execute(query):
        source = NetworkSource(row.file, row.text, row.path, is_own=row.is_own)
        if source.sha256 == row.sha256:
            return source
    return None


def check_network(connection: Connection, model: str) -> None:
    """Raise `ConfigError` unless `model` names a built-in network, or a recorded version of the user's own."""
    network = OwnNetwork.parse(model)
    if network is None:
        return
    source = find_network(connection, network) if network.digest else None
    if source is None:
        raise ConfigError("model", f"The code of {network.label} is not recorded here. Choose the file that has it.")
    if not source.is_own:
        raise ConfigError(
            "model",
            f"The code of {network.label} came with an imported run, and such code is never run here. Read it under "
            "Details; if you trust it, save it as a file of your own and train that.",
        )


def save_test_labels(connection: Connection, checksum: str, labels: np.ndarray, *, is_own: bool) -> None:
    """Store the labels (uint8) of a test set. Those that a trainer read here replace imported ones."""
    row = {"checksum": checksum, "labels": labels.tobytes(), "is_own": is_own}
    connection.execute(insert(test_sets).prefix_with("OR REPLACE" if is_own else "OR IGNORE").values(row))


def own_test_labels(connection: Connection, checksum: str) -> np.ndarray | None:
    """Return the labels (uint8) that a trainer read here of the test set with this checksum; None without any."""
    query = select(test_sets.c.labels).where((test_sets.c.checksum == checksum) & test_sets.c.is_own)
    labels = connection.execute(query).scalar_one_or_none()
    return None if labels is None else np.frombuffer(labels, np.uint8)


def verify_imported_runs(connection: Connection, checksum: str, labels: np.ndarray) -> None:
    """Mark the imported runs whose test results follow from these labels, read here, as verified."""
    is_candidate = runs.c.unverified & (func.json_valid(runs.c.provenance) == 1)
    for row in connection.execute(select(runs.c.id, runs.c.provenance).where(is_candidate)).all():
        if json.loads(row.provenance).get("test_checksum") != checksum:
            continue
        is_test = (evaluations.c.run_id == row.id) & (evaluations.c.split == "test")
        query = select(*evaluation_columns).where(is_test)
        tests = [rows.evaluation_from_row(evaluation) for evaluation in connection.execute(query)]
        if all(matches_labels(evaluation, labels) for evaluation in tests):
            update_run(connection, row.id, unverified=False)


def compact_steps(connection: Connection, run_id: int) -> None:
    """Merge all steps of a run into one chunk, which reads in a tenth of the time.

    The chunk with the highest id receives the others' steps: a reader that follows the ids, and has not read that one
    yet, finds there everything that it has missed.
    """
    query = select(step_chunks).where(step_chunks.c.run_id == run_id).order_by(step_chunks.c.first_step)
    chunks = connection.execute(query).all()
    if len(chunks) < 2:
        return
    last_id = max(row.id for row in chunks)
    packed = step_codec.pack_table(step_codec.unpack((row.steps, row.columns) for row in chunks))
    values = {"first_step": chunks[0].first_step, "steps": sum(row.steps for row in chunks), "columns": packed}
    connection.execute(delete(step_chunks).where((step_chunks.c.run_id == run_id) & (step_chunks.c.id != last_id)))
    connection.execute(update(step_chunks).where(step_chunks.c.id == last_id).values(values))
