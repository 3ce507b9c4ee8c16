"""Exports runs in every format, including those that need torch.

The command line calls `export`. The server does not import torch, so it starts this module as a process:

    python -m mnist_core.exports.export_worker <format> <file> <run id>...
"""

from __future__ import annotations

import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mnist_core.errors import MnistError
from mnist_core.exports import weights
from mnist_core.exports.formats import Write, get_format, write_file
from mnist_core.exports.server_exports import EXIT_REFUSED
from mnist_core.exports.tensorboard import write_events
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.store.queries import Queries
from mnist_core.system.paths import runs_dir


def export(queries: Queries, runs: Sequence[Run], name: str, path: Path) -> None:
    """Write runs to `path`. Raises `ExportError`, and leaves nothing behind, if that is not possible."""
    write_file(queries, runs, get_format(name).write or _TORCH_FORMATS[name], path)


def _one_file_per_run(write_run: Callable[[Queries, Run, Path], None], suffix: str) -> Write:
    """Write a single run to the file itself, several to a zip with a file for each."""

    def write(queries: Queries, runs: Sequence[Run], path: Path) -> None:
        if len(runs) == 1:
            write_run(queries, runs[0], path)
            return
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            for run in runs:
                write_run(queries, run, Path(folder) / f"run-{run.id}{suffix}")
            _zip(Path(folder), path)

    return write


def _write_tensorboard(queries: Queries, runs: Sequence[Run], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write_events(queries, runs, Path(folder))
        _zip(Path(folder), path)


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                zipped.write(file, file.relative_to(folder))


_TORCH_FORMATS = {
    "tensorboard": _write_tensorboard,
    "safetensors": _one_file_per_run(weights.write_safetensors, ".safetensors"),
    "state-dict": _one_file_per_run(weights.write_state_dict, ".pt"),
    "onnx": _one_file_per_run(weights.write_onnx, ".onnx"),
}


def main(arguments: Sequence[str]) -> int:
    """Run the process: returns 0, or `EXIT_REFUSED` after printing the error on one line."""
    name, path, *run_ids = arguments
    try:
        store = RunStore.open(runs_dir())
        export(store.queries, [store.queries.get_run(int(run_id)) for run_id in run_ids], name, Path(path))
    except MnistError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
