"""Opens and copies the database, and explains its errors. `schema` describes its tables, `queries` reads them.

SQLite runs in WAL mode, so that readers never block a trainer. The SQLite of Python 3.11 can corrupt a database in WAL
mode (fixed in 3.51.3: https://sqlite.org/wal.html#walresetbug), so this program uses `pysqlite3`, which bundles a newer
one. Where that has no wheel, a fixed SQLite of the standard library will do; with an older one, opening is refused.
"""

from __future__ import annotations

import errno
import itertools
import os
import sqlite3
import sys
from contextlib import closing, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.pool import QueuePool

from mnist_core.errors import DiskFullError, StoreError, StoreLockedError, StoreUnavailableError
from mnist_core.store.migrations import APPLICATION_ID, migrate
from mnist_core.system.locks import lock_folder
from mnist_core.system.private_files import create_private_folder, make_private

try:
    import pysqlite3.dbapi2 as bundled_sqlite
except ImportError:
    bundled_sqlite = sqlite3

WAL_SAFE_VERSION = (3, 51, 3)
BUSY_SECONDS = 30
"""Seconds a writer waits for another process's write lock before it gives up."""


def open_database(path: Path) -> Engine:
    """Open or create the database at `path` and migrate it to the newest schema.

    A file that is not a database of this program, or too damaged to open, is set aside, never overwritten; standard
    error reports it. Raises `StoreError` if the folder cannot be written, the schema is newer than the code, or SQLite
    is too old to be safe. Database errors in later use of the engine are raised as `StoreError` too.
    """
    sqlite = _wal_safe_sqlite()
    _check_writable(path)
    engine = create_engine(
        f"sqlite:///{path}",
        module=sqlite,
        poolclass=QueuePool,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
    )

    def explain(context: ExceptionContext) -> None:
        if explained := _explain(context.original_exception, path):
            raise explained from context.original_exception

    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    event.listen(engine, "handle_error", explain)
    try:
        with lock_folder(path.parent) as lock_error:  # of several processes, one migrates; the others wait
            if lock_error:
                raise StoreError(
                    f"The runs folder {path.parent} cannot be locked ({lock_error.strerror}). "
                    "Set MNIST_RUNS_DIR to a folder on a disk of this machine."
                ) from lock_error
            _set_aside_if_foreign(sqlite, path)
            migrate(engine, path)
            make_private(*(path.with_name(path.name + suffix) for suffix in _SUFFIXES))  # new ones take the same rights
    except BaseException:
        engine.dispose()
        raise
    return engine


def copy_database(engine: Engine, path: Path) -> None:
    """Copy the state of the database at one instant into a new file at `path`, without blocking writers.

    Raises `StoreError`, and leaves no file behind, if the file exists or cannot be written.
    """
    sqlite = _wal_safe_sqlite()
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
        for suffix in _SUFFIXES:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        if isinstance(error, sqlite.Error):
            raise StoreError(f"The backup {path} could not be written ({error}). Choose another disk.") from error
        raise


def _wal_safe_sqlite() -> ModuleType:
    module: ModuleType = bundled_sqlite
    if module.sqlite_version_info < WAL_SAFE_VERSION:
        raise StoreError(
            f"SQLite {module.sqlite_version} can corrupt a database that several processes use. "
            f"Install pysqlite3, or a Python built with SQLite {'.'.join(map(str, WAL_SAFE_VERSION))} or newer."
        )
    return module


_SUFFIXES = ("-journal", "-wal", "-shm", "")
"""Suffixes of a database's files. The database itself comes last, so that an interrupted move is repeated whole."""


def _check_writable(path: Path) -> None:
    """Create the folder; raise `StoreError` now rather than at the first write.

    The file itself is not opened: closing it would release the locks of every connection that this process has to it.
    https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    """
    try:
        create_private_folder(path.parent)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not all(os.access(existing, os.W_OK) for existing in (path.parent, path) if existing.exists()):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise StoreError(
            f"The runs folder {path.parent} cannot be written ({error.strerror}). "
            "Make it writable or set MNIST_RUNS_DIR to a folder that is."
        ) from error


def _set_aside_if_foreign(sqlite: ModuleType, path: Path) -> None:
    if not (problem := _foreign_file_problem(sqlite, path)):
        return
    names = (path.with_name(f"{path.name}.set-aside-{number}") for number in itertools.count(1))
    aside = next(name for name in names if not name.exists())
    try:
        for suffix in _SUFFIXES:
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(f"{aside}{suffix}")
    except OSError as error:
        raise StoreError(
            f"{path} is in the way and cannot be set aside ({error.strerror}). Move it away and start again."
        ) from error
    print(
        f"{path} {problem}. It was set aside as {aside.name}, and a new database was begun. "
        "If your runs were in it, replace the new one with a backup.",
        file=sys.stderr,
    )


def _foreign_file_problem(sqlite: ModuleType, path: Path) -> str:
    """Return why a file is not a database of this program; "" if it is one, is empty or does not exist.

    The file is only read: another program's database must not change, not even its journal mode.
    """
    if not path.exists() or not path.stat().st_size:
        return ""
    try:
        with closing(sqlite.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_SECONDS)) as database:
            version, mark = (
                database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
            )
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if mark == APPLICATION_ID or (mark == 0 and version > 0 and {"runs", "step_chunks"} <= tables):
                database.execute("SELECT * FROM runs LIMIT 1").fetchall()
                return ""
    except sqlite.Error as error:
        if _sqlite_code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return f"is no database, or is damaged ({error})"
        raise _explain(error, path) or StoreError(f"{path} cannot be opened ({error}). Move it away.") from error
    is_new = not tables and not version and not mark
    return "" if is_new else f"is not a database of this program (tables: {', '.join(sorted(tables)) or 'none'})"


def _sqlite_code(error: BaseException) -> int:
    """Return SQLite's primary result code; 0 if the error has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def _explain(error: BaseException, path: Path) -> StoreError | None:
    """Return the error to raise for a failure that is not the program's fault, with a remedy; else None."""
    match _sqlite_code(error):
        case sqlite3.SQLITE_FULL:
            return DiskFullError(
                f"The disk with the runs folder {path.parent} is full. Free some space and resume the run."
            )
        case sqlite3.SQLITE_BUSY:
            return StoreLockedError(
                f"Another process has kept the database {path} locked for {BUSY_SECONDS:g} s. End it and try again."
            )
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY:
            return StoreUnavailableError(
                f"The database {path} cannot be read or written ({error}). "
                "Check that its disk is mounted, can be written and is not full, then try again."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreError(f"The database {path} is damaged ({error}). Replace it with a backup and start again.")
    return None


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Begin explicitly, and lock at once to write: upgrading a read lock later fails under load.

    The execution option `busy_seconds` is how long to wait for another writer, instead of `BUSY_SECONDS`.
    """
    options = connection.get_execution_options()
    mode = "DEFERRED" if options.get("read_only") else "IMMEDIATE"
    connection.exec_driver_sql(f"PRAGMA busy_timeout = {1000 * options.get('busy_seconds', BUSY_SECONDS):.0f}")
    connection.exec_driver_sql(f"BEGIN {mode}")
