"""The schema of a new database, of an older one that is migrated, and of a newer one."""

import dataclasses
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from mnist_core.config import TrainConfig
from mnist_core.errors import StoreError
from mnist_core.store import RunStore, schema
from mnist_core.store.codecs import step_codec
from mnist_core.store.database import migrations
from mnist_core.store.database.connection import open_database
from mnist_core.store.database.migrations import MIGRATIONS
from tests.support.files.storage import bundled_sqlite, pragma, tables


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "runs.sqlite"
    open_database(path).dispose()
    return path


def test_a_new_database_has_the_newest_schema_in_wal_mode(database: Path) -> None:
    assert pragma(database, "user_version") == len(MIGRATIONS)
    assert pragma(database, "journal_mode") == "wal"


def test_the_migrations_make_the_tables_that_queries_see(database: Path) -> None:
    connection = bundled_sqlite.connect(str(database))
    for table in schema.metadata.tables.values():
        columns = {row[1]: (row[2], bool(row[3])) for row in connection.execute(f"PRAGMA table_info({table.name})")}
        assert columns == {
            column.name: (column.type.compile(dialect=SQLiteDialect()), not column.nullable) for column in table.columns
        }
        indexes = {row[1] for row in connection.execute(f"PRAGMA index_list({table.name})")}
        assert {index.name for index in table.indexes} <= indexes
    connection.close()


def test_a_newer_schema_is_refused_and_left_alone(database: Path) -> None:
    newer = len(MIGRATIONS) + 1
    connection = bundled_sqlite.connect(str(database))
    connection.execute(f"PRAGMA user_version = {newer}")
    connection.close()
    with pytest.raises(StoreError, match=rf"newer version of this program \(schema {newer}, .* Update the program"):
        open_database(database)
    assert pragma(database, "user_version") == newer


def test_a_failed_migration_leaves_no_trace(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half_done(connection: Any) -> None:
        connection.exec_driver_sql("CREATE TABLE half_done (id INTEGER)")
        raise ZeroDivisionError

    monkeypatch.setattr(migrations, "MIGRATIONS", [*MIGRATIONS, half_done])
    with pytest.raises(ZeroDivisionError):
        open_database(database)
    assert pragma(database, "user_version") == len(MIGRATIONS)
    connection = bundled_sqlite.connect(str(database))
    assert not connection.execute("SELECT * FROM sqlite_master WHERE name = 'half_done'").fetchall()
    connection.close()


def test_migrations_run_in_order_from_the_version_of_a_database(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def second(connection: Any) -> None:
        connection.exec_driver_sql("CREATE TABLE second (id INTEGER)")

    def third(connection: Any) -> None:
        connection.exec_driver_sql("INSERT INTO second VALUES (3)")

    monkeypatch.setattr(migrations, "MIGRATIONS", [*MIGRATIONS, second, third])
    for _ in range(2):  # the second time there is nothing to do
        engine = open_database(database)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT id FROM second").scalars().all() == [3]
        engine.dispose()
    assert pragma(database, "user_version") == len(MIGRATIONS) + 2


def made_by_version(path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create a database with the first `version` migrations."""
    with monkeypatch.context() as past:
        past.setattr(migrations, "MIGRATIONS", MIGRATIONS[:version])
        open_database(path).dispose()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_database_of_any_older_version_is_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: int
) -> None:
    path = tmp_path / "runs.sqlite"
    made_by_version(path, version, monkeypatch)
    open_database(path).dispose()
    assert pragma(path, "user_version") == len(MIGRATIONS)
    assert pragma(path, "application_id") == migrations.APPLICATION_ID
    assert capsys.readouterr().err == ""


def test_migrating_keeps_runs_their_steps_and_their_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "runs.sqlite"
    made_by_version(path, 4, monkeypatch)
    old = bundled_sqlite.connect(str(path), isolation_level=None)
    config = json.dumps(dataclasses.asdict(TrainConfig(lr=0.25)))
    for run_id in (1, 2, 3):
        old.execute(
            "INSERT INTO runs (id, name, status, attempt, revision, config, created_at, reason, notice, dataset, "
            "train_images, validation_images, test_images, total_steps, model_file, step, epoch, elapsed_seconds) "
            "VALUES (?, 'n' || ?, 'completed', 1, ?, ?, 0, '', '', '', 0, 0, 0, 0, '', 0, 0, 0)",
            (run_id, run_id, run_id, config),
        )
    packed = step_codec.pack_table(np.zeros(2, step_codec.STEP_COLUMNS))
    old.execute("INSERT INTO step_chunks VALUES (1, 2, 1, 1, 2, ?)", (packed,))
    old.execute("UPDATE runs SET parent_id = 1 WHERE id = 2")
    old.execute("DELETE FROM runs WHERE id = 3")
    old.close()
    store = RunStore.open(tmp_path)
    first, second = store.queries.list_runs()
    assert (first.name, second.name, first.config.lr, second.parent_id) == ("n1", "n2", 0.25, 1)
    assert (first.notes, first.tags, first.starred, first.deleted_at, first.curve) == ("", (), False, None, ())
    assert len(store.queries.read_steps(2)) == 2
    assert store.commands.create_run(TrainConfig()).id == 4
    store.close()


# Killed during a migration


def killed_while(act: Callable[[], object]) -> bool:
    """Call a function in a forked process. Return whether that was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


@pytest.mark.fault
@pytest.mark.parametrize("version", range(len(MIGRATIONS)))
def test_a_process_killed_in_a_migration_leaves_the_database_old_or_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    path = tmp_path / "runs.sqlite"
    if version:
        made_by_version(path, version, monkeypatch)

    def migrate_and_die(connection: Any) -> None:
        MIGRATIONS[version](connection)
        os.kill(os.getpid(), signal.SIGKILL)

    with monkeypatch.context() as deadly:
        deadly.setattr(migrations, "MIGRATIONS", [*MIGRATIONS[:version], migrate_and_die])
        assert killed_while(lambda: open_database(path))
    assert pragma(path, "user_version") == version
    assert pragma(path, "integrity_check") == "ok"
    assert ("runs" in tables(path)) == (version > 0)
    open_database(path).dispose()
    assert pragma(path, "user_version") == len(MIGRATIONS)
    assert not list(tmp_path.glob("*.set-aside-*"))
