"""The database of runs: its tables as queries see them, and how it is opened. Queries live in `store`.

What makes the tables, and brings old ones to this shape, is in `migrations`.

SQLite in WAL mode, so that readers never hold up a trainer. The SQLite that ships with Python 3.11 can corrupt a
database in WAL mode (fixed in 3.51.3: https://sqlite.org/wal.html#walresetbug), hence `pysqlite3`, which bundles a
newer one; where it has no wheel, a fixed standard library serves, else opening is refused.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    create_engine,
    event,
)
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from mnist_core.errors import StoreError
from mnist_core.migrations import MIGRATIONS

try:
    import pysqlite3.dbapi2 as bundled_sqlite
except ImportError:
    bundled_sqlite = sqlite3

WAL_SAFE_VERSION = (3, 51, 3)
BUSY_SECONDS = 30
"""How long a writer waits for another process's write lock before it gives up."""

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("status", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    # Raised by every write to the row, from one counter for all rows: readers ask for what is newer than they hold.
    Column("revision", Integer, nullable=False),
    Column("config", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("started_at", Float),
    Column("finished_at", Float),
    Column("reason", String, nullable=False, default=""),
    Column("notice", String, nullable=False, default=""),
    Column("dataset", String, nullable=False, default=""),
    Column("train_images", Integer, nullable=False, default=0),
    Column("validation_images", Integer, nullable=False, default=0),
    Column("test_images", Integer, nullable=False, default=0),
    Column("total_steps", Integer, nullable=False, default=0),
    Column("trainer_pid", Integer),
    Column("trainer_start_ticks", Integer),
    Column("trainer_boot_id", String),
    Column("model_file", String, nullable=False, default=""),
    Column("device", String, nullable=False, default=""),
    Column("threads", Integer, nullable=False, default=0),
    Column("interventions", String, nullable=False, default="[]"),
    Column("plan", String, nullable=False, default="[]"),
    Column("parent_id", Integer, ForeignKey("runs.id", ondelete="SET NULL")),
    Column("parent_step", Integer),
    Column("step", Integer, nullable=False, default=0),
    Column("epoch", Integer, nullable=False, default=0),
    Column("loss", Float),
    Column("accuracy", Float),
    Column("examples_per_second", Float),
    Column("elapsed_seconds", Float, nullable=False, default=0.0),
    Column("live_confusion", LargeBinary),
    Column("validation_accuracy", Float),
    Column("best_validation_accuracy", Float),
    Column("test_accuracy", Float),
    Column("test_loss", Float),
    Index("runs_by_revision", "revision"),
    Index("runs_by_status", "status"),
    sqlite_autoincrement=True,  # a deleted run never lends its number to another
)

# One row a commit: a few hundred milliseconds of steps as compressed columns (see `chunks`).
step_chunks = Table(
    "step_chunks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("first_step", Integer, nullable=False),
    Column("steps", Integer, nullable=False),
    Column("columns", LargeBinary, nullable=False),
    Index("step_chunks_by_run", "run_id", "first_step"),
    sqlite_autoincrement=True,  # readers ask for ids above the last they saw
)

# What people ask of a run in progress; its trainer reads what is newer than it has read.
orders = Table(
    "orders",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("command", String, nullable=False),
    Column("adjustment", String, nullable=False),
    Column("given_by", String, nullable=False),
    Column("given_at", Float, nullable=False),
    Index("orders_by_run", "run_id", "id"),
    sqlite_autoincrement=True,
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("step", Integer, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("split", String, nullable=False),
    Column("loss", Float),
    Column("accuracy", Float, nullable=False),
    Column("elapsed_seconds", Float, nullable=False),
    Column("confusion", LargeBinary, nullable=False),
    Column("predictions", LargeBinary, nullable=False),
    Index("evaluations_by_run", "run_id", "step"),
    sqlite_autoincrement=True,
)


def open_database(path: Path) -> Engine:
    """Open (or create) the database at `path` and bring it to the newest schema.

    Raises `StoreError` if the folder cannot be written, the file is no database of this program, its schema is newer
    than the code, or SQLite is too old to be safe.
    """
    sqlite = _safe_sqlite()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
    except OSError as error:
        raise StoreError(
            f"The runs folder {path.parent} cannot be written ({error.strerror}). "
            "Make it writable or set MNIST_RUNS_DIR to a folder that is."
        ) from error
    engine = create_engine(
        f"sqlite:///{path}",
        module=sqlite,
        poolclass=QueuePool,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    try:
        _migrate(engine, path)
    except DatabaseError as error:
        raise StoreError(
            f"{path} is not a database of this program ({error.orig}). Move it away and start again."
        ) from error
    return engine


def _safe_sqlite() -> ModuleType:
    module: ModuleType = bundled_sqlite
    if module.sqlite_version_info < WAL_SAFE_VERSION:
        raise StoreError(
            f"SQLite {module.sqlite_version} can corrupt a database that several processes use. "
            f"Install pysqlite3, or a Python built with SQLite {'.'.join(map(str, WAL_SAFE_VERSION))} or newer."
        )
    return module


def _configure(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    """Transactions are explicit. A writer takes the lock at once: upgrading a read lock later fails under load."""
    mode = "DEFERRED" if connection.get_execution_options().get("read_only") else "IMMEDIATE"
    connection.exec_driver_sql(f"BEGIN {mode}")


def _migrate(engine: Engine, path: Path) -> None:
    with engine.connect().execution_options(read_only=True) as connection:
        version = _version(connection)
    while version < len(MIGRATIONS):
        with engine.begin() as connection:
            version = _version(connection)  # another process may have migrated while this one waited for the lock
            if version < len(MIGRATIONS):
                MIGRATIONS[version](connection)
                version += 1
                connection.exec_driver_sql(f"PRAGMA user_version = {version}")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer version of this program (schema {version}, this one knows "
            f"{len(MIGRATIONS)}). Update the program, or set MNIST_RUNS_DIR to another folder."
        )


def _version(connection: Connection) -> int:
    return int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
