"""What runs can be exported as, and the one way to do it: into one file, whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_core.errors import ExportError
from mnist_core.exports import archive, report, tables
from mnist_core.records import Run
from mnist_core.store.queries import Queries
from mnist_core.system.atomic_files import atomic_path
from mnist_core.system.paths import display_path

Write = Callable[[Queries, Sequence[Run], Path], None]


@dataclass(frozen=True, slots=True)
class Format:
    """One thing that runs can be exported as."""

    label: str
    suffix: str
    write: Write | None = None
    """None for what takes torch: `worker` writes it, in a process of its own when a server asks for it."""


FORMATS = {
    "csv": Format("Table as CSV", ".csv", tables.table_csv),
    "parquet": Format("Table as Parquet", ".parquet", tables.table_parquet),
    "curves-csv": Format("Curves as CSV", ".csv", tables.curves_csv),
    "curves-parquet": Format("Curves as Parquet", ".parquet", tables.curves_parquet),
    "report": Format("Report as HTML", ".html", report.write_report),
    "archive": Format("Archive to import elsewhere", ".zip", archive.write_archive),
    "tensorboard": Format("TensorBoard event files", ".zip"),
    "safetensors": Format("Weights as safetensors", ".safetensors"),
    "state-dict": Format("Weights as state_dict", ".pt"),
    "onnx": Format("Model as ONNX", ".onnx"),
}
"""By the name that a command line takes."""


def get_format(name: str) -> Format:
    """Raises `ExportError` for a name that is none."""
    if name not in FORMATS:
        raise ExportError(f"There is no format {name!r}. Choose one of {', '.join(FORMATS)}.")
    return FORMATS[name]


def file_name(name: str, runs: Sequence[Run]) -> str:
    """What an export is called if nobody says otherwise, without what a file name cannot have."""
    suffix = get_format(name).suffix
    if len(runs) > 1 and suffix in (".safetensors", ".pt", ".onnx"):
        suffix = ".zip"
    of = re.sub(r"[^\w.-]+", "-", runs[0].name).strip("-.") if len(runs) == 1 else f"{len(runs)}-runs"
    return f"{of or 'run'}-{name}{suffix}"


def write_file(queries: Queries, runs: Sequence[Run], write: Write, path: Path) -> None:
    """Have runs written to `path`. Raises `ExportError` when that is not possible, and leaves nothing behind."""
    if not runs:
        raise ExportError("There are no runs to export. Choose at least one.")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            write(queries, runs, temporary)
    except OSError as error:
        raise ExportError(
            f"{display_path(path)} cannot be written ({error.strerror or error}). Choose another place, or make room."
        ) from error
