"""Applies `migrations` to a database, each in a transaction of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine

from mnist_core.errors import StoreError
from mnist_core.store.database import migrations


def migrate(engine: Engine, path: Path, copy: Callable[[Engine, Path, int], None]) -> None:
    """Migrate the database at `path` to the newest schema. Raises `StoreError` if its schema is newer than that.

    `copy` is called with the engine, the path and the version before a database that holds anything is changed.
    """
    with engine.connect().execution_options(read_only=True) as connection:
        version = _version(connection)
    if 0 < version < len(migrations.MIGRATIONS):
        copy(engine, path, version)
    while version < len(migrations.MIGRATIONS):
        with _foreign_keys_off(engine) as connection:
            version = _version(connection)  # another process may have migrated it meanwhile
            if version < len(migrations.MIGRATIONS):
                migrations.MIGRATIONS[version](connection)
                if version == 0:
                    _reserve_run_ids(connection, path.parent)
                version += 1
                connection.exec_driver_sql(f"PRAGMA user_version = {version}")
    if version > len(migrations.MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer version of this program (schema {version}, this one knows "
            f"{len(migrations.MIGRATIONS)}). Update the program, or set MNIST_RUNS_DIR to another folder."
        )


@contextmanager
def _foreign_keys_off(engine: Engine) -> Iterator[Connection]:
    """Begin a transaction in which a table can be replaced without affecting the rows that refer to it.

    https://sqlite.org/lang_altertable.html#making_other_kinds_of_table_schema_changes
    """
    with engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        driver.execute("PRAGMA foreign_keys = OFF")  # before the transaction: within one it has no effect
        try:
            with connection.begin():
                yield connection
        finally:
            driver.execute("PRAGMA foreign_keys = ON")


def _reserve_run_ids(connection: Connection, folder: Path) -> None:
    """Number new runs above those whose files an earlier database left in `folder`, so that no run gets their files."""
    matches = (re.match(r"run-(\d+)", file.name) for file in folder.glob("*/run-*"))
    numbers = [int(match[1]) for match in matches if match]
    if numbers:
        connection.exec_driver_sql("INSERT INTO sqlite_sequence (name, seq) VALUES ('runs', ?)", (max(numbers),))


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
