"""The export formats, and `write_file`, which writes the file of any format whole or not at all."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_core.errors import DamagedRunError, ExportError
from mnist_core.exports import archive, report, tables
from mnist_core.records import Run
from mnist_core.store.queries import Queries
from mnist_core.system.atomic_files import atomic_path
from mnist_core.system.paths import display_path

Write = Callable[[Queries, Sequence[Run], Path], None]


@dataclass(frozen=True, slots=True)
class Format:
    """A format that runs can be exported in."""

    label: str
    suffix: str
    write: Write | None = None
    """Writes the file; None if that needs torch, which only `export_worker` imports."""


FORMATS = {
    "csv": Format("Table as CSV", ".csv", tables.write_table_csv),
    "parquet": Format("Table as Parquet", ".parquet", tables.write_table_parquet),
    "curves-csv": Format("Curves as CSV", ".csv", tables.write_curves_csv),
    "curves-parquet": Format("Curves as Parquet", ".parquet", tables.write_curves_parquet),
    "report": Format("Report as HTML", ".html", report.write_report),
    "archive": Format("Archive to import elsewhere", ".zip", archive.write_archive),
    "tensorboard": Format("TensorBoard event files", ".zip"),
    "safetensors": Format("Weights as safetensors", ".safetensors"),
    "state-dict": Format("Weights as state_dict", ".pt"),
    "onnx": Format("Model as ONNX", ".onnx"),
}
"""By the name used on the command line."""


MAX_STEM_BYTES = 150
"""File systems allow names of 255 bytes; format, suffix and the suffix of a temporary file need some of them."""

RESERVED_NAMES = {
    "CON",
    "PRN",
    "AUX",
    "NUL",
    *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10)),
}
"""Names of devices on Windows, with whatever follows the first dot."""


def get_format(name: str) -> Format:
    """Raises `ExportError` for an unknown name."""
    if name not in FORMATS:
        raise ExportError(f"There is no format {name!r}. Choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def file_name(name: str, runs: Sequence[Run]) -> str:
    """Return the default name of an export, without characters that file names cannot contain, and not too long."""
    suffix = get_format(name).suffix
    if len(runs) > 1 and suffix in (".safetensors", ".pt", ".onnx"):
        suffix = ".zip"
    stem = _file_stem(runs[0].name) if len(runs) == 1 else f"{len(runs)}-runs"
    return f"{stem or 'run'}-{name}{suffix}"


def _file_stem(name: str) -> str:
    """Return a run's name in at most `MAX_STEM_BYTES`; `-` replaces all but letters, digits, `_`, `.` and `-`."""
    safe = re.sub("-+", "-", "".join(c if c.isalnum() or c in "_.-" or _is_mark(c) else "-" for c in name)).strip("-.")
    stem = safe.encode()[:MAX_STEM_BYTES].decode(errors="ignore")
    rest = safe[len(stem) :]
    while stem and _is_mark(rest[:1]):  # the mark belongs to the letter before it
        stem, rest = stem[:-1], stem[-1] + rest
    stem = stem.strip("-.")
    return f"run-{stem}" if stem.partition(".")[0].upper() in RESERVED_NAMES else stem


def _is_mark(character: str) -> bool:
    return bool(character) and unicodedata.category(character) in ("Mn", "Mc")


def write_file(queries: Queries, runs: Sequence[Run], write: Write, path: Path) -> None:
    """Write runs to `path` with `write`.

    Raises `ExportError`, or `DamagedRunError`, and leaves nothing behind, if that is not possible.
    """
    if not runs:
        raise ExportError("There are no runs to export. Choose at least one.")
    damaged = next((run for run in runs if run.damage), None)
    if damaged and write not in (tables.write_table_csv, tables.write_table_parquet):  # tables name a damaged run only
        raise DamagedRunError(f"{damaged.name} is damaged and cannot be exported. {damaged.damage}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            write(queries, runs, temporary)
    except OSError as error:
        raise ExportError(
            f"{display_path(path)} cannot be written ({error.strerror or error}). Choose another place, or make room."
        ) from error
