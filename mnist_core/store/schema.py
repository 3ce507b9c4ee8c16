"""The tables of the database as queries see them. What makes them is in `migrations`, who opens them in `database`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, text

metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
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
    Column("notes", String, nullable=False, default=""),
    Column("tags", String, nullable=False, default="[]"),
    Column("starred", Boolean, nullable=False, default=False),
    Column("archived", Boolean, nullable=False, default=False),
    Column("deleted_at", Float),
    Column("provenance", String),
    Column("curve", LargeBinary, nullable=False, default=b""),
    # Among those that are not in the bin: one that is there lends its name.
    Index("runs_by_name", "name", unique=True, sqlite_where=text("deleted_at IS NULL")),
    Index("runs_by_revision", "revision"),
    Index("runs_by_status", "status"),
    sqlite_autoincrement=True,  # a deleted run never lends its number to another
)

# One row a commit: a few hundred milliseconds of steps as compressed columns (see `step_codec`).
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

# The labels of each test set that a run was tested on: what its predictions are right or wrong by.
test_sets = Table(
    "test_sets",
    metadata,
    Column("checksum", String, primary_key=True),
    Column("labels", LargeBinary, nullable=False),
)
