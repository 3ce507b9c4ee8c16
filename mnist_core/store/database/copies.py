"""Copies of the database: made while others write, verified before they are used, and made before each migration.

SQLite keeps the newest transactions in a second file, `…-wal`. A copied or restored database must never meet the
`-wal` of another one: SQLite would replay that into it, page by page. So copies are single files, and code that puts
one in the place of a database first takes the old `-wal` away.
"""

from __future__ import annotations

import shlex
import sqlite3
import time
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from mnist_core.errors import StoreError
from mnist_core.store.database.migrations import MIGRATIONS
from mnist_core.store.database.sqlite_files import SUFFIXES, foreign_file_problem, sqlite_code, wal_safe_sqlite
from mnist_core.system.paths import PROGRAM

BACKUPS_FOLDER = "backups"
"""Folder in the runs folder for copies made before migrations and for backups without a name of their own."""

_ELSEWHERE = "made-elsewhere.txt"
"""File in it with the paths of backups in other places, one a line."""

COPIES_BEFORE_MIGRATIONS = 3
"""How many of them are kept."""

CHECK_STEPS = 10_000
"""Instructions of SQLite's virtual machine between two looks at the clock, about 1 ms."""


@dataclass(frozen=True)
class CopyContent:
    """What a copy of the database holds."""

    schema: int
    runs: int
    """Number of runs, those in the bin included."""
    files: tuple[tuple[str, str], ...]
    """Path in the runs folder and SHA-256 of each recorded file; the hash is empty for files of older versions."""
    own_networks: tuple[str, ...] = ()
    """Files of users' own networks whose recorded code its runs may run."""


def copy_database(engine: Engine, path: Path) -> None:
    """Copy the state of the database at one instant into a new file at `path`, without blocking writers.

    Raises `StoreError`, and leaves no file behind, if the file exists or cannot be written.
    """
    sqlite = wal_safe_sqlite()
    try:
        path.open("xb").close()
    except FileExistsError as error:
        raise StoreError(
            f"{path} exists already, and a backup overwrites nothing. Choose another name, or move it away."
        ) from error
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}). Choose a name in a folder that exists and can be written."
        ) from error
    try:
        with closing(sqlite.connect(str(path))) as target, closing(engine.raw_connection()) as source:
            source.driver_connection.backup(target)  # type: ignore[union-attr]
    except BaseException as error:
        for suffix in SUFFIXES:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        if isinstance(error, sqlite.Error):
            raise StoreError(f"The backup {path} could not be written ({error}). Choose another disk.") from error
        raise


def copy_before_migration(engine: Engine, database: Path, version: int) -> None:
    """Copy a database of an older schema into `BACKUPS_FOLDER` beside it, and keep the newest such copies.

    Raises `StoreError` if that is impossible: nothing is migrated without a copy.
    """
    folder = database.parent / BACKUPS_FOLDER
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    path = folder / f"before-schema-{version + 1}-{moment}.sqlite"
    unfinished = path.with_suffix(".unfinished")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for leftover in folder.glob("before-schema-*.unfinished*"):  # of a process that was killed
            leftover.unlink()
        copy_database(engine, unfinished)
        unfinished.rename(path)
        copies = sorted(folder.glob("before-schema-*.sqlite"), key=lambda copy: copy.stat().st_mtime)
        for superseded in copies[:-COPIES_BEFORE_MIGRATIONS]:
            superseded.unlink()
    except (OSError, StoreError) as error:
        raise StoreError(
            f"The database {database} is of an older version, and no copy of it could be made in {folder} before it is "
            f"brought up to date ({error}). Free some disk space, or make that folder writable, and start again."
        ) from error


def read_copy(path: Path) -> CopyContent:
    """Verify the copy at `path` and return what it holds. Changes it to a single file.

    Raises `StoreError` if it is damaged, not a database of this program, or of a newer version.
    """
    sqlite = wal_safe_sqlite()
    problem = "is empty" if not path.stat().st_size else foreign_file_problem(path, 1.0)
    if problem:
        raise StoreError(f"It {problem}.")
    try:
        with closing(sqlite.connect(str(path), isolation_level=None)) as database:
            database.execute("PRAGMA journal_mode = DELETE")
            result = database.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if result != "ok":
                raise StoreError(f"The database in it is damaged ({result.splitlines()[-1]}).")
            return _read_content(database)
    except sqlite.Error as error:
        raise StoreError(f"The database in it is damaged ({error}).") from error


def _read_content(database: Any) -> CopyContent:
    schema = int(database.execute("PRAGMA user_version").fetchone()[0])
    if schema > len(MIGRATIONS):
        raise StoreError(
            f"It was written by a newer version of this program (schema {schema}, this one knows {len(MIGRATIONS)}). "
            "Update the program."
        )
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    files = database.execute("SELECT path, sha256 FROM run_files").fetchall() if "run_files" in tables else []
    own = "SELECT DISTINCT file FROM networks WHERE is_own ORDER BY file"
    networks = [row[0] for row in database.execute(own)] if "networks" in tables else []
    runs = database.execute("SELECT count(*) FROM runs").fetchone()[0]
    return CopyContent(schema, runs, tuple(map(tuple, files)), tuple(networks))


def fold_into_one_file(path: Path) -> None:
    """Write what is in the `-wal` of a database that nobody uses into the database itself, if it is not damaged.

    Raises `StoreError` if another process has the database open.
    """
    sqlite = wal_safe_sqlite()
    try:
        with closing(sqlite.connect(str(path), isolation_level=None, timeout=1)) as database:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")  # refused while any other connection is open
            database.execute("BEGIN IMMEDIATE")
            database.execute("COMMIT")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite.Error as error:
        if sqlite_code(error) in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreError(
                f"Another process uses {path}. Stop the server and every training in a terminal, then try again."
            ) from error


def find_damage(engine: Engine, seconds: float) -> str:
    """Return what SQLite's quick check finds wrong with the database; "" if nothing, or not within `seconds`.

    https://sqlite.org/pragma.html#pragma_quick_check
    """
    deadline = time.monotonic() + seconds
    with closing(engine.raw_connection()) as pooled:
        connection: Any = pooled.driver_connection
        connection.set_progress_handler(lambda: time.monotonic() > deadline, CHECK_STEPS)
        try:
            result = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
            return "" if result == "ok" else result.splitlines()[-1]
        except wal_safe_sqlite().Error as error:
            return "" if sqlite_code(error) == sqlite3.SQLITE_INTERRUPT else str(error)
        finally:
            connection.set_progress_handler(None, 0)


def remember_backup(runs_folder: Path, path: Path) -> None:
    """Remember a backup that was written to another place, for `newest_backup`."""
    folder = runs_folder / BACKUPS_FOLDER
    if path.absolute().parent == folder.absolute():
        return
    with suppress(OSError):  # the backup itself is safe
        folder.mkdir(mode=0o700, exist_ok=True)
        with (folder / _ELSEWHERE).open("a", encoding="utf-8", errors="surrogateescape") as file:
            file.write(f"{path.absolute()}\n")


def newest_backup(runs_folder: Path) -> Path | None:
    """Return the newest backup, or copy made before a migration, that is known and still exists."""
    folder = runs_folder / BACKUPS_FOLDER
    candidates = [*folder.glob("*.zip"), *folder.glob("before-schema-*.sqlite")]
    with suppress(OSError):
        lines = (folder / _ELSEWHERE).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        candidates += [Path(line) for line in lines]
    times = {}
    for path in candidates:
        with suppress(OSError, ValueError):  # it is gone, or no path
            times[path] = path.stat().st_mtime
    return max(times, key=times.__getitem__, default=None)


def restore_hint(runs_folder: Path) -> str:
    """Return a sentence with the command that restores the newest backup, or any."""
    path = newest_backup(runs_folder)
    if path is None:
        return f"If you have a backup, stop the server and run: {PROGRAM} restore FILE"
    moment = datetime.fromtimestamp(path.stat().st_mtime, UTC).astimezone()
    return (
        f"To restore the newest backup, of {moment:%Y-%m-%d %H:%M %Z}, stop the server and run: "
        f"{PROGRAM} restore {shlex.quote(str(path))}"
    )
