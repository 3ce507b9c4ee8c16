"""Exports runs and their curves as CSV and Parquet.

Spreadsheets execute a text that begins like a formula. In CSV, such a cell gets a leading apostrophe
(https://owasp.org/www-community/attacks/CSV_Injection); numbers stay numbers. Parquet has types and needs no escaping.

The heads of CSV are the labels of the pages, with units. Parquet keeps the names of the fields, for programs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_core.analysis.run_table import column_heads, column_types, flat_row
from mnist_core.records import Run
from mnist_core.store.codecs import step_codec
from mnist_core.store.queries import Queries

if TYPE_CHECKING:
    import pandas as pd

FORMULA_STARTS = (*"=+-@", *"\uff1d\uff0b\uff0d\uff20", *"\t\r\n")
"""Includes the full-width characters of East Asian keyboards, which some spreadsheets treat alike."""


CSV_ENCODING = "utf-8-sig"
"""With a byte order mark, without which spreadsheets do not read UTF-8. pandas skips it; others name this encoding."""

NULLABLE_TYPES = {int: "Int64", float: "Float64", bool: "boolean", str: "string"}
"""Types of pandas whose columns can hold None, and stay of that type if they hold nothing else."""

CURVE_TYPES: dict[str, type] = {"run_id": int, "run": str, "split": str, "step": int} | {
    name: int if kind.kind == "u" else float for name, (kind, *_) in (step_codec.STEP_COLUMNS.fields or {}).items()
}
"""Type of each column of the curves. A metric that an evaluation or step does not have is NaN."""


_CURVE_HEADS = {"run_id": "Number", "run": "Run", "split": "Split", "loss": "Loss", "accuracy": "Accuracy"}
"""Heads that differ from those of the columns of a run."""

_FORMULA_AFTER_SEPARATOR = re.compile(r"([;|\t\r\n][ ;|\t\r\n]*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
"""Where the decimal sign is a comma, spreadsheets split lines at semicolons, also inside quotes that begin later."""


def escape_formula(cell: Any) -> Any:
    """Return `cell` so that no spreadsheet reads it, or what it takes for a cell in it, as a formula."""
    if not isinstance(cell, str):
        return cell
    escaped = _FORMULA_AFTER_SEPARATOR.sub(r"\1'", cell)
    return f"'{escaped}" if cell.startswith(FORMULA_STARTS) else escaped


def write_table_csv(_queries: Queries, runs: Sequence[Run], path: Path) -> None:
    """Write one row per run."""
    table = _table(runs)
    for name, kind in _table_types(runs).items():
        if kind is str:
            table[name] = table[name].map(escape_formula)
    table.rename(columns=column_heads()).to_csv(path, index=False, encoding=CSV_ENCODING)


def write_table_parquet(_queries: Queries, runs: Sequence[Run], path: Path) -> None:
    """Write one row per run."""
    _table(runs).to_parquet(path, index=False, schema=_schema(_table_types(runs)))


def write_curves_csv(queries: Queries, runs: Sequence[Run], path: Path) -> None:
    """Write one row per training step and evaluation."""
    with path.open("w", encoding=CSV_ENCODING, newline="") as file:
        for number, curve in enumerate(_curves(queries, runs)):
            curve["run"] = curve["run"].map(escape_formula)
            curve.rename(columns=column_heads() | _CURVE_HEADS).to_csv(file, index=False, header=number == 0)


def write_curves_parquet(queries: Queries, runs: Sequence[Run], path: Path) -> None:
    """Write one row per training step and evaluation, and one row group per run."""
    import pyarrow
    import pyarrow.parquet

    schema = _schema(CURVE_TYPES)
    with pyarrow.parquet.ParquetWriter(path, schema) as writer:
        for curve in _curves(queries, runs):
            writer.write_table(pyarrow.Table.from_pandas(curve, schema, preserve_index=False))


def _schema(types: Mapping[str, type]) -> Any:
    """Return the Parquet schema of columns of these types; it depends on no value, so all files have the same."""
    import pyarrow

    arrow = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_(), str: pyarrow.large_string()}
    return pyarrow.schema([(name, arrow[kind]) for name, kind in types.items()])


def _table(runs: Sequence[Run]) -> pd.DataFrame:
    import pandas as pd

    table = pd.DataFrame([flat_row(run) for run in runs], dtype=object)
    return table.astype({name: NULLABLE_TYPES[kind] for name, kind in _table_types(runs).items()})


def _table_types(runs: Sequence[Run]) -> dict[str, type]:
    types = column_types()
    return {name: types[name] for name in flat_row(runs[0])}


def _curves(queries: Queries, runs: Sequence[Run]) -> Iterator[pd.DataFrame]:
    """Yield a table for each run, with a row for each step (`split` is `training`) and each evaluation."""
    import pandas as pd

    for run in runs:
        table = queries.read_steps(run.id)
        evaluations = queries.list_evaluations(run.id)
        columns: dict[str, Any] = {"run_id": run.id, "run": run.name}
        columns["split"] = ["training"] * len(table) + [evaluation.split for evaluation in evaluations]
        columns["step"] = [*range(1, len(table) + 1), *(evaluation.step for evaluation in evaluations)]
        for name in step_codec.STEP_COLUMNS.names or ():
            values = [getattr(evaluation, name, np.nan) for evaluation in evaluations]
            columns[name] = np.concatenate([table[name], np.array(values, float)])
        yield pd.DataFrame(columns).astype(CURVE_TYPES)
