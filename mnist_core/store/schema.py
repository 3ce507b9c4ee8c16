"""The tables of the database as queries see them; `migrations` creates them.

The table `runs` has a column for each field of `Run`, derived from the field's type and default. The numbers of
`Progress` and `Results` and the trainer's identity have columns of their own; other records are stored as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from datetime import UTC, datetime
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

import numpy as np
from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Row,
    String,
    Table,
    text,
)
from sqlalchemy.types import TypeEngine

from mnist_core.config import TrainConfig
from mnist_core.records import (
    Confusion,
    Intervention,
    ProcessIdentity,
    Progress,
    Provenance,
    Results,
    Run,
    RunStatus,
    encode_json,
    json_value,
)
from mnist_core.store.codecs import step_codec


def _unchanged(value: Any) -> Any:
    return value


def _of_type(*kinds: type) -> Callable[[Any], Any]:
    """Return a function that returns a value of these types unchanged, and raises `TypeError` for others.

    SQLite stores any value in any column.
    """

    def read(value: Any) -> Any:
        if type(value) not in kinds:
            raise TypeError(f"{str(value)[:50]!r} is no {kinds[-1].__name__}")
        return value

    return read


def _read_count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"{str(value)[:50]} is no whole number from 0 on")
    return value


@dataclass(frozen=True)
class ColumnType:
    """How values of one Python type are stored. `read` raises an exception for a value that cannot be of that type."""

    sql: type[TypeEngine[Any]]
    write: Callable[[Any], Any] = _unchanged
    read: Callable[[Any], Any] = _unchanged


def _json(read: Callable[[Any], Any]) -> ColumnType:
    return ColumnType(String, lambda value: encode_json(json_value(value)), lambda text: read(json.loads(text)))


_PROVENANCE_TYPES = get_type_hints(Provenance)
_PROVENANCE_DEFAULTS = {field.name: field.default for field in fields(Provenance) if field.default is not MISSING}
"""Fields that records of earlier versions lack."""


def _read_provenance(values: dict[str, Any]) -> Provenance:
    values = _PROVENANCE_DEFAULTS | values
    for name, kind in _PROVENANCE_TYPES.items():
        _of_type(get_origin(kind) or kind)(values[name])
    for word in (*values["packages"], *values["packages"].values()):
        _of_type(str)(word)
    return Provenance(**{name: values[name] for name in _PROVENANCE_TYPES})  # earlier versions stored the command, too


def _read_texts(texts: list[Any]) -> tuple[str, ...]:
    return tuple(map(_of_type(str), texts))


def _read_curve(blob: bytes) -> tuple[float, ...]:
    if len(blob) > MAX_CURVE_BYTES:
        raise ValueError(f"{len(blob):,} bytes are too many")
    return tuple(np.frombuffer(blob, "<f4").tolist())


MAX_CURVE_BYTES = 10_000
"""Far more than `CURVE_POINTS` take: lists of runs hold all curves in memory."""


COLUMN_TYPES: dict[Any, ColumnType] = {
    bool: ColumnType(Boolean, read=_of_type(bool)),
    int: ColumnType(Integer, read=_read_count),
    float: ColumnType(Float, read=_of_type(int, float)),
    str: ColumnType(String, read=_of_type(str)),
    RunStatus: ColumnType(String, str, RunStatus),
    datetime: ColumnType(Float, datetime.timestamp, lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    TrainConfig: _json(TrainConfig.from_stored),
    Provenance: _json(_read_provenance),
    tuple[str, ...]: _json(_read_texts),
    tuple[Intervention, ...]: _json(lambda items: tuple(map(Intervention.from_json, items))),
    tuple[float, ...]: ColumnType(
        LargeBinary,
        lambda numbers: np.array(numbers, "<f4").tobytes(),
        _read_curve,
    ),
    Confusion: ColumnType(LargeBinary, step_codec.pack_confusion, step_codec.unpack_confusion),
}
"""How a field is stored, by its type; `X | None` is stored like `X`."""

PARTS: dict[str, tuple[type, str]] = {
    "progress": (Progress, ""),
    "results": (Results, ""),
    "trainer": (ProcessIdentity, "trainer_"),
}
"""Fields of `Run` whose record has a column for each of its own fields, and the prefix of those columns."""


@dataclass(frozen=True)
class StoredField:
    """A field and its column."""

    name: str
    column: str
    type: ColumnType
    is_optional: bool
    default: Any
    """The stored default; None if there is none."""

    def write(self, value: Any) -> Any:
        return None if value is None else self.type.write(value)

    def read(self, row: Row[Any]) -> Any:
        """Raises an exception for a value that cannot be read; which one depends on the type."""
        stored = getattr(row, self.column)
        if stored is None and not self.is_optional:
            raise ValueError("it is missing")
        return None if stored is None else self.type.read(stored)


def _stored_fields(record: Any, prefix: str = "", *, is_optional: bool = False) -> list[StoredField]:
    """Return the fields of a record that have a column; with `is_optional`, all columns may be NULL."""
    hints = get_type_hints(record)
    stored = []
    for field in fields(record):
        if record is Run and (field.name in PARTS or field.name == "damage"):
            continue
        kinds = get_args(hints[field.name]) if isinstance(hints[field.name], UnionType) else (hints[field.name],)
        column_type = COLUMN_TYPES[kinds[0]]
        default = None if field.default is MISSING or field.default is None else column_type.write(field.default)
        stored.append(StoredField(field.name, prefix + field.name, column_type, is_optional or len(kinds) > 1, default))
    return stored


RUN_FIELDS = _stored_fields(Run)
"""The stored fields of `Run` apart from `PARTS`, whose fields are in `PART_FIELDS`."""

PART_FIELDS = {
    name: _stored_fields(record, prefix, is_optional=name == "trainer") for name, (record, prefix) in PARTS.items()
}


def _run_columns() -> list[Column[Any]]:
    return [
        Column(
            field.column,
            field.type.sql,
            primary_key=field.column == "id",
            nullable=field.is_optional,
            default=field.default,
        )
        for field in [*RUN_FIELDS, *(field for part in PART_FIELDS.values() for field in part)]
    ]


metadata = MetaData()

runs = Table(
    "runs",
    metadata,
    *_run_columns(),
    Column("heartbeat_at", Float),  # latest write of the trainer, by the database's clock
    Column("bin_seconds", Float, nullable=False, default=0.0),  # time in the bin, see `Commands.age_bin`
    Column("bin_seen_at", Float),
    ForeignKeyConstraint(["parent_id"], ["runs.id"], ondelete="SET NULL"),
    ForeignKeyConstraint(["sweep_id"], ["sweeps.id"], ondelete="SET NULL"),
    # Names are unique outside the bin; a run in the bin frees its name.
    Index("runs_by_name", "name", unique=True, sqlite_where=text("deleted_at IS NULL")),
    Index("runs_by_uid", "uid", unique=True),
    Index("runs_by_revision", "revision"),
    Index("runs_by_status", "status"),
    Index("runs_by_sweep", "sweep_id", "trial"),
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
    # Packed levels of all images; NULL for evaluations by versions that kept labels alone. The last column: a query
    # for the others reads none of its pages.
    Column("probabilities", LargeBinary),
    Index("evaluations_by_run", "run_id", "step"),
    sqlite_autoincrement=True,
)

evaluation_columns = [column for column in evaluations.columns if column.name != "probabilities"]
"""What to select unless the probabilities are needed, which take more than all the rest."""

# The files of each run outside the database. A file that is saved again is listed twice until it is superseded: a
# trainer may be killed between recording the new content and putting it in place.
run_files = Table(
    "run_files",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("path", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("step", Integer, nullable=False),
    Column("sha256", String, nullable=False),
    Index("run_files_by_run", "run_id"),
)

# Drawings that people have kept, and what the newest weights of each run read on them: see `drawings.readings`.
drawings = Table(
    "drawings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),
    Column("label", Integer, nullable=False),
    Column("image", LargeBinary, nullable=False),
    Column("created_at", Float, nullable=False),
    sqlite_autoincrement=True,  # readings of a deleted drawing never pass to another
)

drawing_readings = Table(
    "drawing_readings",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("drawing_id", Integer, ForeignKey("drawings.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, nullable=False),
    Column("digit", Integer, nullable=False),
)

# Searches. The runs of a trial have its `sweep_id` and `trial`.
sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("uid", String, nullable=False),
    Column("name", String, nullable=False),
    Column("status", String, nullable=False),
    Column("spec", String, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("finished_at", Float),
    Column("attempt", Integer, nullable=False, default=0),
    Column("controller_pid", Integer),
    Column("controller_start_ticks", Integer),
    Column("controller_boot_id", String),
    Column("controller_host", String),
    Column("controller_pid_namespace", String),
    Column("elapsed_seconds", Float, nullable=False, default=0.0),
    Column("reason", String, nullable=False, default=""),
    Column("in_server", Boolean, nullable=False, default=False),
    Column("waits_for", String, nullable=False, default=""),
    sqlite_autoincrement=True,
)

trials = Table(
    "trials",
    metadata,
    Column("sweep_id", Integer, ForeignKey("sweeps.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("role", String, nullable=False),
    Column("status", String, nullable=False),
    Column("settings", String, nullable=False),
    Column("sampler_state", String, nullable=False),
    Column("value", Float),
    Column("kills", Integer, nullable=False),
    Column("reason", String, nullable=False),
    Column("started_at", Float),  # NULL in sweeps by versions that did not note it
    Column("finished_at", Float),
)

# The labels of each test set, to compare predictions with.
test_sets = Table(
    "test_sets",
    metadata,
    Column("checksum", String, primary_key=True),
    Column("labels", LargeBinary, nullable=False),
    Column("is_own", Boolean, nullable=False, default=False),  # whether a trainer read them here
)

# The source of each version of a user's own network, for all runs that train it. Only code with `is_own` is ever run.
networks = Table(
    "networks",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("file", String, primary_key=True),
    Column("text", String, nullable=False),
    Column("path", String, nullable=False),  # where the file was; empty if it was imported
    Column("is_own", Boolean, nullable=False),  # whether the user gave the file to this program here
)

# The L2 norms of each layer's weights and gradients at some steps (see `records.LayerNorms`).
layer_norms = Table(
    "layer_norms",
    metadata,
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("layers", String, nullable=False),  # names, as a list in JSON
    Column("norms", LargeBinary, nullable=False),  # float32, little-endian: of the weights, then of the gradients
)
