"""Packs the steps of a few hundred milliseconds for the database, as compressed columns."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence

import numpy as np

from mnist_core.records import Confusion, StepMetrics

STEP_COLUMNS = np.dtype(
    [
        ("epoch", "<u2"),
        ("loss", "<f8"),
        ("accuracy", "<f8"),
        ("lr", "<f8"),
        ("momentum", "<f8"),
        ("examples_per_second", "<f4"),
        ("elapsed_seconds", "<f8"),
    ]
)
"""The fields of `StepMetrics`, without the step, which is implied, and the confusion, which is not stored per step."""

COMPRESSION_LEVEL = 1


def pack(steps: Sequence[StepMetrics]) -> bytes:
    """Pack steps into one blob; see `pack_table`."""
    table = [tuple(getattr(step, name) for name in STEP_COLUMNS.names or ()) for step in steps]
    return pack_table(np.array(table, STEP_COLUMNS))


def pack_table(table: np.ndarray) -> bytes:
    """Pack column by column, so that columns that hardly change (epoch, lr, momentum) compress to almost nothing."""
    columns = b"".join(table[name].tobytes() for name in STEP_COLUMNS.names or ())
    return zlib.compress(columns, COMPRESSION_LEVEL)


def unpack(blobs: Iterable[tuple[int, bytes]]) -> np.ndarray:
    """Return a structured array of `STEP_COLUMNS`, one row per step, from pairs of step count and blob.

    Raises `ValueError` or `zlib.error` for a blob that does not hold that many steps.
    """
    tables = [_unpack_blob(count, blob) for count, blob in blobs]
    return np.concatenate(tables) if tables else np.empty(0, STEP_COLUMNS)


def _unpack_blob(count: int, blob: bytes) -> np.ndarray:
    size = count * STEP_COLUMNS.itemsize
    raw, offset = zlib.decompressobj().decompress(blob, size + 1), 0
    if len(raw) != size:
        raise ValueError(f"a blob does not hold {count:,} steps")
    table = np.empty(count, STEP_COLUMNS)
    for name in STEP_COLUMNS.names or ():
        kind = STEP_COLUMNS[name]
        table[name] = np.frombuffer(raw, kind, count, offset)
        offset += count * kind.itemsize
    return table


def pack_confusion(confusion: Confusion) -> bytes:
    """Pack the counts as 100 little-endian uint32, row by row."""
    return np.array(confusion, "<u4").tobytes()


def unpack_confusion(blob: bytes) -> Confusion:
    return tuple(map(tuple, np.frombuffer(blob, "<u4").reshape(10, 10).tolist()))
