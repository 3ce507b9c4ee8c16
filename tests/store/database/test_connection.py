"""Opening a database that is new, old, foreign, damaged or not accessible, also by several processes at once."""

import errno
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import StoreError
from mnist_core.store import RunStore
from mnist_core.store.database import sqlite_files
from mnist_core.store.database.connection import open_database
from mnist_core.store.database.migrations import MIGRATIONS
from mnist_core.system import paths
from tests.support.files.storage import bundled_sqlite, pragma, tables


def test_the_folder_is_created(tmp_path: Path) -> None:
    open_database(tmp_path / "a" / "b" / "runs.sqlite").dispose()
    assert (tmp_path / "a" / "b" / "runs.sqlite").is_file()


def test_connections_keep_the_integrity_of_runs_and_their_steps(tmp_path: Path) -> None:
    engine = open_database(tmp_path / "runs.sqlite")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
    engine.dispose()


def test_reopening_keeps_the_runs(tmp_path: Path) -> None:
    first = RunStore.open(tmp_path)
    run = first.commands.create_run(TrainConfig(lr=0.25), "mine")
    first.close()
    second = RunStore.open(tmp_path)
    assert second.queries.get_run(run.id) == run
    second.close()


# Set aside


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
    message = capsys.readouterr().err
    assert message.startswith(f"{path} is no database, or is damaged (file is not a database). It was set aside as")
    assert message.count("\n") == 1
    open_database(path).dispose()
    assert pragma(path, "user_version") == len(MIGRATIONS)
    assert capsys.readouterr().err == ""
    assert sorted(file.name for file in tmp_path.iterdir()) == ["runs.sqlite", aside.name]


@pytest.mark.parametrize("pragmas", [[], ["PRAGMA user_version = 3"], ["PRAGMA application_id = 77"]])
def test_a_database_of_another_program_is_set_aside_unchanged(
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


def test_the_log_of_another_programs_database_is_set_aside_with_it(tmp_path: Path) -> None:
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
    store.commands.create_run(TrainConfig())
    store.close()
    path = tmp_path / "runs.sqlite"
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996  # keeps the header and destroys the list of tables
    path.write_bytes(content)
    reopened = RunStore.open(tmp_path)
    assert reopened.queries.list_runs() == []
    reopened.close()
    assert (tmp_path / "runs.sqlite.set-aside-1").read_bytes() == content
    assert "is no database, or is damaged (database disk image is malformed)" in capsys.readouterr().err


def test_damage_met_later_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    store = RunStore.open(tmp_path)
    for _ in range(100):
        store.commands.create_run(TrainConfig())
    store.close()
    path = tmp_path / "runs.sqlite"
    content = path.read_bytes()[:-16384] + b"\xff" * 16384
    path.write_bytes(content)
    store = RunStore.open(tmp_path)
    with pytest.raises(StoreError, match=r"runs.sqlite is damaged .* Stop the server and restore a backup\."):
        store.queries.list_runs()
    store.close()
    assert path.read_bytes() == content


@pytest.mark.fault
def test_processes_that_open_a_foreign_file_at_once_set_it_aside_once(tmp_path: Path) -> None:
    content = foreign(tmp_path / "runs.sqlite")
    assert sorted(names_of_runs_made_at_once(tmp_path, 3)) == ["run-1", "run-2", "run-3"]
    assert [file.read_bytes() for file in tmp_path.glob("*.set-aside-*")] == [content]


def test_a_new_database_reuses_no_number_of_files_that_are_left(tmp_path: Path) -> None:
    (tmp_path / "checkpoints" / "run-7").mkdir(parents=True)
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "run-11.pt").touch()
    store = RunStore.open(tmp_path)
    assert store.commands.create_run(TrainConfig()).name == "run-12"
    store.close()


@pytest.mark.fault
def test_opening_again_in_a_process_keeps_the_locks_of_its_first_connection(tmp_path: Path) -> None:
    """Otherwise another process could consider itself the only one and delete the log that this one writes to."""
    first = RunStore.open(tmp_path)
    second = RunStore.open(tmp_path)
    code = (
        "import fcntl, sys; database = open(sys.argv[1], 'r+b')\n"
        "fcntl.lockf(database, fcntl.LOCK_EX | fcntl.LOCK_NB, 510, 0x40000002)"  # the lock of a reader
    )
    command = [sys.executable, "-c", code, str(tmp_path / "runs.sqlite")]
    other = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "BlockingIOError" in other.stderr
    second.close()
    first.close()


# Not accessible


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    # A file in the path stops even root, as which CI runs.
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "runs"
    with pytest.raises(StoreError, match=r"cannot be written \(Not a directory\).*MNIST_RUNS_DIR") as caught:
        RunStore.open(folder)
    assert str(folder) in str(caught.value)


def test_a_folder_in_place_of_the_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "runs.sqlite").mkdir()
    with pytest.raises(StoreError, match="Is a directory"):
        RunStore.open(tmp_path)


def sqlite_of_version(version: tuple[int, int, int]) -> SimpleNamespace:
    stand_in = SimpleNamespace(**vars(bundled_sqlite))
    stand_in.sqlite_version, stand_in.sqlite_version_info = ".".join(map(str, version)), version
    return stand_in


@pytest.mark.parametrize("version", [(3, 40, 1), (3, 51, 2)])
def test_a_sqlite_that_can_corrupt_databases_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: tuple[int, int, int]
) -> None:
    sqlite = sqlite_of_version(version)
    monkeypatch.setattr(sqlite_files, "bundled_sqlite", sqlite)
    problem = rf"SQLite {sqlite.sqlite_version} can corrupt .* Install pysqlite3, .* SQLite 3\.51\.3"
    with pytest.raises(StoreError, match=problem):
        open_database(tmp_path / "runs.sqlite")
    assert not (tmp_path / "runs.sqlite").exists()


def test_a_sqlite_with_the_fix_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_files, "bundled_sqlite", sqlite_of_version((3, 51, 3)))
    open_database(tmp_path / "runs.sqlite").dispose()
    assert pragma(tmp_path / "runs.sqlite", "user_version") == len(MIGRATIONS)


def test_threads_that_open_a_new_database_at_once_agree(tmp_path: Path) -> None:
    def create(number: int) -> str:
        store = RunStore.open(tmp_path)
        name = store.commands.create_run(TrainConfig(), f"from thread {number}").name
        store.close()
        return name

    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(create, range(8)))
    store = RunStore.open(tmp_path)
    assert sorted(run.name for run in store.queries.list_runs()) == sorted(names)
    store.close()


def names_of_runs_made_at_once(folder: Path, count: int) -> list[str]:
    """Have processes open the store at the same moment and create a run each. Return the names of the runs."""
    code = (
        "import sys; from pathlib import Path; from mnist_core.config import TrainConfig\n"
        "from mnist_core.store import RunStore\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "store = RunStore.open(Path(sys.argv[1])); print(store.commands.create_run(TrainConfig()).name); store.close()"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=paths.ROOT,
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


@pytest.mark.fault
def test_processes_that_open_a_new_database_at_once_agree(tmp_path: Path) -> None:
    assert sorted(names_of_runs_made_at_once(tmp_path, 2)) == ["run-1", "run-2"]


def test_a_folder_that_cannot_be_locked_is_named_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_handle: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("mnist_core.system.locks.fcntl.flock", refuse)
    with pytest.raises(StoreError, match=r"cannot be locked \(No locks available\)\. Set MNIST_RUNS_DIR"):
        open_database(tmp_path / "runs.sqlite")
