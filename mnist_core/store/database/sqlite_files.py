"""SQLite and its files: which SQLite is safe, whose a file is, and what its errors mean.

The SQLite of Python 3.11 can corrupt a database in WAL mode (fixed in 3.51.3: https://sqlite.org/wal.html#walresetbug),
so this program uses `pysqlite3`, which bundles a newer one. Where that has no wheel, a fixed SQLite of the standard
library will do; with an older one, opening is refused.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from types import ModuleType

from mnist_core.errors import DiskFullError, StoreError, StoreLockedError, StoreUnavailableError
from mnist_core.store.database.migrations import APPLICATION_ID

try:
    import pysqlite3.dbapi2 as bundled_sqlite
except ImportError:
    bundled_sqlite = sqlite3

WAL_SAFE_VERSION = (3, 51, 3)


def wal_safe_sqlite() -> ModuleType:
    module: ModuleType = bundled_sqlite
    if module.sqlite_version_info < WAL_SAFE_VERSION:
        raise StoreError(
            f"SQLite {module.sqlite_version} can corrupt a database that several processes use. "
            f"Install pysqlite3, or a Python built with SQLite {'.'.join(map(str, WAL_SAFE_VERSION))} or newer."
        )
    return module


SUFFIXES = ("-journal", "-wal", "-shm", "")
"""Suffixes of a database's files. The database itself comes last, so that an interrupted move is repeated whole."""


def foreign_file_problem(path: Path, busy_seconds: float) -> str:
    """Return why a file is not a database of this program; "" if it is one, is empty or does not exist.

    The file is only read: another program's database must not change, not even its journal mode.
    """
    sqlite = wal_safe_sqlite()
    if not path.exists() or not path.stat().st_size:
        return ""
    try:
        with closing(sqlite.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=busy_seconds)) as database:
            version, mark = (
                database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id")
            )
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if mark == APPLICATION_ID or (mark == 0 and version > 0 and {"runs", "step_chunks"} <= tables):
                database.execute("SELECT * FROM runs LIMIT 1").fetchall()
                return ""
    except sqlite.Error as error:
        if sqlite_code(error) in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
            return f"is no database, or is damaged ({error})"
        raise explain_error(error, path, busy_seconds) or StoreError(
            f"{path} cannot be opened ({error}). Move it away."
        ) from error
    is_new = not tables and not version and not mark
    return "" if is_new else f"is not a database of this program (tables: {', '.join(sorted(tables)) or 'none'})"


def sqlite_code(error: BaseException) -> int:
    """Return SQLite's primary result code; 0 if the error has none."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


def explain_error(error: BaseException, path: Path, busy_seconds: float) -> StoreError | None:
    """Return the error to raise for a failure that is not the program's fault, with a remedy; else None."""
    match sqlite_code(error):
        case sqlite3.SQLITE_FULL:
            return DiskFullError(
                f"The disk with the runs folder {path.parent} is full. Free some space and resume the run."
            )
        case sqlite3.SQLITE_BUSY:
            return StoreLockedError(
                f"Another process has kept the database {path} locked for {busy_seconds:g} s. End it and try again."
            )
        case sqlite3.SQLITE_IOERR | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_READONLY:
            return StoreUnavailableError(
                f"The database {path} cannot be read or written ({error}). "
                "Check that its disk is mounted, can be written and is not full, then try again."
            )
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return StoreError(f"The database {path} is damaged ({error}). Stop the server and restore a backup.")
    return None
