"""A database as SQLite itself sees it, without the store, and a disk that is full for this process alone.

Use the copy of SQLite that the store uses. A second copy in one process, such as Python's own, drops the locks of the
first when it closes the files; the next process to open them cuts off the memory that this one has mapped, which ends
it with SIGBUS.
"""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mnist_core.store.database import sqlite_files

bundled_sqlite: Any = vars(sqlite_files)["bundled_sqlite"]


def pragma(path: Path, name: str) -> Any:
    connection = bundled_sqlite.connect(str(path))
    try:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]
    finally:
        connection.close()


def tables(path: Path) -> set[str]:
    connection = bundled_sqlite.connect(str(path))
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    connection.close()
    return names


@contextmanager
def locked_database(path: Path) -> Iterator[None]:
    """Keep the database locked for writers, as another program that hangs in the middle of a transaction would."""
    connection = bundled_sqlite.connect(str(path), isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.close()


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """Have the kernel refuse this process every write beyond `size` bytes, mid-write and with an `OSError`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
