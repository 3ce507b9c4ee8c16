"""Opens the database. `schema` describes its tables, `queries` reads them, `copies` copies it.

SQLite runs in WAL mode, so that readers never block a trainer.
"""

from __future__ import annotations

import errno
import itertools
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.pool import QueuePool

from mnist_core.errors import StoreError
from mnist_core.store.database.copies import copy_before_migration, restore_hint
from mnist_core.store.database.migrate import migrate
from mnist_core.store.database.sqlite_files import SUFFIXES, explain_error, foreign_file_problem, wal_safe_sqlite
from mnist_core.system.file_systems import network_file_system
from mnist_core.system.locks import lock_folder
from mnist_core.system.private_files import create_private_folder, make_private

BUSY_SECONDS = 30
"""Seconds a writer waits for another process's write lock before it gives up."""


def report_on_stderr(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def open_database(path: Path, report: Callable[[str], None] = report_on_stderr) -> Engine:
    """Open or create the database at `path` and migrate it to the newest schema.

    A file that is not a database of this program, or too damaged to open, is set aside, never overwritten; `report` is
    called with a sentence that says so. A database of an older schema is copied first. Raises `StoreError` if the
    folder cannot be written, the schema is newer than the code, or SQLite is too old to be safe. Database errors in
    later use of the engine are raised as `StoreError` too.
    """
    sqlite = wal_safe_sqlite()
    _check_writable(path)
    engine = create_engine(
        f"sqlite:///{path}",
        module=sqlite,
        poolclass=QueuePool,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
    )

    def explain(context: ExceptionContext) -> None:
        if explained := explain_error(context.original_exception, path, BUSY_SECONDS):
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
            _set_aside_if_foreign(path, report)
            migrate(engine, path, copy=copy_before_migration)
            make_private(*(path.with_name(path.name + suffix) for suffix in SUFFIXES))  # new ones take the same rights
    except BaseException:
        engine.dispose()
        raise
    return engine


def _check_writable(path: Path) -> None:
    """Create the folder; raise `StoreError` now rather than at the first write.

    The file itself is not opened: closing it would release the locks of every connection that this process has to it.
    https://sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_
    """
    if kind := network_file_system(path.parent):
        raise StoreError(
            f"The runs folder {path.parent} is on a network file system ({kind}), where SQLite can lose data. "
            "Set MNIST_RUNS_DIR to a folder on a disk of this machine."
        )
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


def _set_aside_if_foreign(path: Path, report: Callable[[str], None]) -> None:
    if not (problem := foreign_file_problem(path, BUSY_SECONDS)):
        return
    names = (path.with_name(f"{path.name}.set-aside-{number}") for number in itertools.count(1))
    aside = next(name for name in names if not name.exists())
    try:
        for suffix in SUFFIXES:
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(f"{aside}{suffix}")
    except OSError as error:
        raise StoreError(
            f"{path} is in the way and cannot be set aside ({error.strerror}). Move it away and start again."
        ) from error
    report(
        f"{path} {problem}. It was set aside as {aside.name}, and a new database was begun. {restore_hint(path.parent)}"
    )


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
