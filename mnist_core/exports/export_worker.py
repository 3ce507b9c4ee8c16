"""Exports runs here and now, also as what takes torch. The command line calls it; the server, which is to stay free of
torch, starts it as a process (see `kept`):

    python -m mnist_core.exports.export_worker <format> <file> <run number>...
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
    """Write runs to `path`. Raises `ExportError` when that is not possible, and leaves nothing behind."""
    write_file(queries, runs, get_format(name).write or _TORCH_FORMATS[name], path)


def _one_file_per_run(write_one: Callable[[Queries, Run, Path], None], suffix: str) -> Write:
    """One file a run; of several runs, a zip of them."""

    def write(queries: Queries, runs: Sequence[Run], path: Path) -> None:
        if len(runs) == 1:
            write_one(queries, runs[0], path)
            return
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            for run in runs:
                write_one(queries, run, Path(folder) / f"run-{run.id}{suffix}")
            _zip(Path(folder), path)

    return write


def _tensorboard(queries: Queries, runs: Sequence[Run], path: Path) -> None:
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write_events(queries, runs, Path(folder))
        _zip(Path(folder), path)


def _zip(folder: Path, path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as zipped:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                zipped.write(file, file.relative_to(folder))


_TORCH_FORMATS = {
    "tensorboard": _tensorboard,
    "safetensors": _one_file_per_run(weights.safetensors, ".safetensors"),
    "state-dict": _one_file_per_run(weights.state_dict, ".pt"),
    "onnx": _one_file_per_run(weights.onnx, ".onnx"),
}


def main(arguments: Sequence[str]) -> int:
    name, path, *numbers = arguments
    try:
        store = RunStore.open(runs_dir())
        export(store.queries, [store.queries.get_run(int(number)) for number in numbers], name, Path(path))
    except MnistError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return EXIT_REFUSED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
