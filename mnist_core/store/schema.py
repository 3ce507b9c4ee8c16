"""The tables of the database as queries see them; `migrations` creates them."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    text,
)

from mnist_core.store.columns import run_columns

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    *run_columns(),
    ForeignKeyConstraint(["parent_id"], ["runs.id"], ondelete="SET NULL"),
    # Names are unique outside the bin; a run in the bin frees its name.
    Index("runs_by_name", "name", unique=True, sqlite_where=text("deleted_at IS NULL")),
    Index("runs_by_revision", "revision"),
    Index("runs_by_status", "status"),
    sqlite_autoincrement=True,  # numbers of deleted runs are never reused
)

# One row per commit: the steps of a few hundred milliseconds as compressed columns (see `step_codec`).
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
    sqlite_autoincrement=True,  # readers ask for ids above the last they have seen
)

# Commands that people send to a run in progress; its trainer reads those after the last it has read.
pending_commands = Table(
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

# The labels of each test set, to compare predictions with.
test_sets = Table(
    "test_sets",
    metadata,
    Column("checksum", String, primary_key=True),
    Column("labels", LargeBinary, nullable=False),
)
