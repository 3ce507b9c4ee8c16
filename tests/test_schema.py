"""Opening the database: new, known, foreign, newer, or not to be had."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from mnist_core import places, schema
from mnist_core.config import TrainConfig
from mnist_core.errors import StoreError
from mnist_core.migrations import MIGRATIONS
from mnist_core.schema import open_database
from mnist_core.store import RunStore

bundled_sqlite: Any = vars(schema)["bundled_sqlite"]


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

    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, half_done])
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

    monkeypatch.setattr(schema, "MIGRATIONS", [*MIGRATIONS, second, third])
    for _ in range(2):  # the second time there is nothing to do
        engine = open_database(database)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT id FROM second").scalars().all() == [3]
        engine.dispose()
    assert pragma(database, "user_version") == len(MIGRATIONS) + 2


def test_a_file_that_is_no_database_is_refused_and_untouched(tmp_path: Path) -> None:
    path = tmp_path / "runs.sqlite"
    path.write_text("Dear diary, " * 1000)
    with pytest.raises(StoreError, match=r"runs.sqlite is not a database of this program .* Move it away") as caught:
        open_database(path)
    assert str(path) in str(caught.value)
    assert path.read_text() == "Dear diary, " * 1000


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
    monkeypatch.setattr(schema, "bundled_sqlite", stand_in)
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


def test_processes_that_open_a_new_database_at_once_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from mnist_core.config import TrainConfig\n"
        "from mnist_core.store import RunStore\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "print(RunStore.open(Path(sys.argv[1])).create_run(TrainConfig()).name)"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=places.ROOT,
        )
        for _ in range(2)
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    names = [process.communicate("go\n", timeout=60)[0].strip() for process in processes]
    assert sorted(names) == ["run-1", "run-2"]
