"""Opening the database: new, known, foreign, newer, damaged, half migrated, or not to be had."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from mnist_core import chunks, migrations, places, schema
from mnist_core import database as opening
from mnist_core.config import TrainConfig
from mnist_core.database import open_database
from mnist_core.errors import StoreError
from mnist_core.migrations import MIGRATIONS
from mnist_core.store import RunStore

bundled_sqlite: Any = vars(opening)["bundled_sqlite"]


def pragma(path: Path, name: str) -> Any:
    connection = bundled_sqlite.connect(str(path))
    try:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()


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
        made = {row[1]: (row[2], bool(row[3])) for row in connection.execute(f"PRAGMA table_info({table.name})")}
        assert made == {
            column.name: (column.type.compile(dialect=SQLiteDialect()), not column.nullable) for column in table.columns
        }
        indexes = {row[1] for row in connection.execute(f"PRAGMA index_list({table.name})")}
        assert {index.name for index in table.indexes} <= indexes
    connection.close()


def test_the_folder_is_made(tmp_path: Path) -> None:
    open_database(tmp_path / "a" / "b" / "runs.sqlite").dispose()
    assert (tmp_path / "a" / "b" / "runs.sqlite").is_file()


def test_connections_keep_the_integrity_of_runs_and_their_steps(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "runs.sqlite")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    engine.dispose()


def test_reopening_keeps_what_is_there(tmp_path: Path) -> None:
    first = RunStore.open(tmp_path)
    run = first.create_run(TrainConfig(lr=0.25), "mine")
    first.close()
    second = RunStore.open(tmp_path)
    assert second.get_run(run.id) == run
    second.close()


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


def test_migrations_run_in_order_from_where_a_database_stands(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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


# Set aside


def tables(path: Path) -> set[str]:
    connection = bundled_sqlite.connect(str(path))
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return names


def foreign(path: Path, *statements: str) -> bytes:
    connection = bundled_sqlite.connect(str(path), isolation_level=None)
    for statement in ("CREATE TABLE recipes (title)", "INSERT INTO recipes VALUES ('bread')", *statements):
        connection.execute(statement)
    connection.close()
    return path.read_bytes()


@pytest.mark.parametrize("content", [b"Dear diary, " * 1000, b"xy", b"SQLite format 3\0" + b"\0" * 4096])
def test_a_file_that_is_no_database_is_set_aside_with_a_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "runs.sqlite"
    path.write_bytes(content)
    open_database(path).dispose()
    aside = tmp_path / "runs.sqlite.set-aside-1"
    assert aside.read_bytes() == content
    said = capsys.readouterr().err
    assert said.startswith(f"{path} is no database, or is damaged (file is not a database). It was set aside as")
    assert said.count("\n") == 1
    open_database(path).dispose()
    assert pragma(path, "user_version") == len(MIGRATIONS)
    assert capsys.readouterr().err == ""
    assert sorted(file.name for file in tmp_path.iterdir()) == ["runs.sqlite", aside.name]


@pytest.mark.parametrize("pragmas", [[], ["PRAGMA user_version = 3"], ["PRAGMA application_id = 77"]])
def test_a_database_of_another_program_is_set_aside_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], pragmas: list[str]
) -> None:
    path = tmp_path / "runs.sqlite"
    content = foreign(path, *pragmas)
    (tmp_path / "runs.sqlite.set-aside-1").write_text("from last time")
    open_database(path).dispose()
    assert (tmp_path / "runs.sqlite.set-aside-2").read_bytes() == content
    assert (tmp_path / "runs.sqlite.set-aside-1").read_text() == "from last time"
    assert "is not a database of this program (tables: recipes)" in capsys.readouterr().err
    assert "recipes" not in tables(path)


def test_what_another_program_has_not_yet_moved_from_its_log_is_set_aside_with_it(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    connection = bundled_sqlite.connect(str(path), isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE recipes (title)")
    open_database(path).dispose()
    aside = tmp_path / "runs.sqlite.set-aside-1"
    assert (tmp_path / f"{aside.name}-wal").stat().st_size
    assert tables(aside) == {"recipes"}
    connection.close()


def test_a_damaged_database_of_ours_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = RunStore.open(tmp_path)
    store.create_run(TrainConfig())
    store.close()
    path = tmp_path / "runs.sqlite"
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996  # the header stays, the list of tables is gone
    path.write_bytes(content)
    reopened = RunStore.open(tmp_path)
    assert reopened.list_runs() == []
    reopened.close()
    assert (tmp_path / "runs.sqlite.set-aside-1").read_bytes() == content
    assert "is no database, or is damaged (database disk image is malformed)" in capsys.readouterr().err


def test_damage_met_later_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    store = RunStore.open(tmp_path)
    for _ in range(100):
        store.create_run(TrainConfig())
    store.close()
    path = tmp_path / "runs.sqlite"
    content = path.read_bytes()[:-16384] + b"\xff" * 16384
    path.write_bytes(content)
    store = RunStore.open(tmp_path)
    with pytest.raises(StoreError, match=r"runs.sqlite is damaged .* Put a backup in its place and start again\."):
        store.list_runs()
    store.close()
    assert path.read_bytes() == content


def test_processes_that_open_a_foreign_file_at_once_set_it_aside_once(tmp_path: Path) -> None:
    content = foreign(tmp_path / "runs.sqlite")
    assert sorted(names_of_runs_made_at_once(tmp_path, 3)) == ["run-1", "run-2", "run-3"]
    assert [file.read_bytes() for file in tmp_path.glob("*.set-aside-*")] == [content]


def test_a_new_database_does_not_give_a_run_the_number_of_files_that_are_left(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "run-7").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "run-11.pt").touch()
    store = RunStore.open(tmp_path)
    assert store.create_run(TrainConfig()).name == "run-12"
    store.close()


def made_by_version(path: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database as the program made it when it knew so many migrations."""
    with monkeypatch.context() as past:
        past.setattr(migrations, "MIGRATIONS", MIGRATIONS[:version])
        open_database(path).dispose()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_every_older_database_of_ours_is_known_and_brought_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], version: int
) -> None:
    path = tmp_path / "runs.sqlite"
    made_by_version(path, version, monkeypatch)
    open_database(path).dispose()
    assert pragma(path, "user_version") == len(MIGRATIONS)
    assert pragma(path, "application_id") == migrations.APPLICATION_ID
    assert capsys.readouterr().err == ""


def test_bringing_a_database_up_keeps_runs_their_steps_and_their_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    packed = chunks.pack_table(np.zeros(2, chunks.STEP_COLUMNS))
    old.execute("INSERT INTO step_chunks VALUES (1, 2, 1, 1, 2, ?)", (packed,))
    old.execute("UPDATE runs SET parent_id = 1 WHERE id = 2")
    old.execute("DELETE FROM runs WHERE id = 3")
    old.close()
    store = RunStore.open(tmp_path)
    first, second = store.list_runs()
    assert (first.name, second.name, first.config.lr, second.parent_id) == ("n1", "n2", 0.25, 1)
    assert (first.notes, first.tags, first.starred, first.deleted_at, first.curve) == ("", (), False, None, ())
    assert len(store.read_steps(2)) == 2
    assert store.create_run(TrainConfig()).id == 4
    store.close()


# Killed on the way


def killed_while(act: Callable[[], object]) -> bool:
    """Let another process do it; whether it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            act()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL


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


def test_opening_again_in_a_process_leaves_the_locks_of_its_first_connection(tmp_path: Path) -> None:
    """Else another process can take itself for the only one, and delete the log that this one writes to."""
    first = RunStore.open(tmp_path)
    second = RunStore.open(tmp_path)
    code = (
        "import fcntl, sys; database = open(sys.argv[1], 'r+b')\n"
        "fcntl.lockf(database, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)"  # what a reader of SQLite holds
    )
    command = [sys.executable, "-c", code, str(tmp_path / "runs.sqlite")]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "BlockingIOError" in other.stderr
    second.close()
    first.close()


# Not to be had


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    # Even the superuser cannot make a folder inside a file; that is how CI runs.
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "runs"
    with pytest.raises(StoreError, match=r"cannot be written \(Not a directory\).*MNIST_RUNS_DIR") as caught:
        RunStore.open(folder)
    assert str(folder) in str(caught.value)


def test_a_folder_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").mkdir()
    with pytest.raises(StoreError, match="Is a directory"):
        RunStore.open(tmp_path)


@pytest.mark.parametrize(("version", "safe"), [((3, 40, 1), False), ((3, 51, 2), False), ((3, 51, 3), True)])
def test_a_sqlite_that_can_corrupt_databases_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int], safe: bool
) -> None:
    text = ".".join(map(str, version))
    stand_in = SimpleNamespace(**vars(bundled_sqlite)) if safe else SimpleNamespace()
    stand_in.sqlite_version, stand_in.sqlite_version_info = text, version
    monkeypatch.setattr(opening, "bundled_sqlite", stand_in)
    if safe:
        open_database(tmp_path / "runs.sqlite").dispose()
        return
    with pytest.raises(StoreError, match=rf"SQLite {text} can corrupt .* Install pysqlite3, .* SQLite 3\.51\.3"):
        open_database(tmp_path / "runs.sqlite")
    assert not (tmp_path / "runs.sqlite").exists()


def test_threads_that_open_a_new_database_at_once_agree(tmp_path: Path) -> None:
    def create(number: int) -> str:
        store = RunStore.open(tmp_path)
        name = store.create_run(TrainConfig(), f"from thread {number}").name
        store.close()
        return name

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(create, range(8)))
    store = RunStore.open(tmp_path)
    assert sorted(run.name for run in store.list_runs()) == sorted(names)
    store.close()


def names_of_runs_made_at_once(folder: Path, count: int) -> list[str]:
    """As many processes open the store in the same moment and make a run each."""
    code = (
        "import sys; from pathlib import Path; from mnist_core.config import TrainConfig\n"
        "from mnist_core.store import RunStore\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "store = RunStore.open(Path(sys.argv[1])); print(store.create_run(TrainConfig()).name); store.close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=places.ROOT,
        )
        for _ in range(count)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return [process.communicate(timeout=60)[0].strip() for process in processes]


def test_processes_that_open_a_new_database_at_once_agree(tmp_path: Path) -> None:
    assert sorted(names_of_runs_made_at_once(tmp_path, 2)) == ["run-1", "run-2"]


def test_a_folder_that_cannot_be_locked_is_named_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("mnist_core.database.fcntl.flock", refuse)
    with pytest.raises(StoreError, match=r"cannot be locked \(No locks available\)\. Set MNIST_RUNS_DIR"):
        open_database(tmp_path / "runs.sqlite")
