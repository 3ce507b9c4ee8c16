"""Which files are a run's own: those that the store recorded for it, with the SHA-256 of their content.

A run's number is not enough. A database restored from a backup reuses numbers for new runs, and the files of the runs
that it has forgotten are still there. So the identity of a run is in the names of its files, and the store records each
file before it takes its place. A file that is not recorded, or whose content differs, is never used as this run's,
never overwritten and never deleted. Does not import torch.
"""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

from mnist_core.checkpoints import older_files
from mnist_core.checkpoints.envelope import unusable
from mnist_core.checkpoints.index import checkpoints_dir, model_path
from mnist_core.records import FileKind, Run, RunFile
from mnist_core.store.queries import Queries
from mnist_core.system.paths import runs_dir


def describe_file(path: Path, kind: FileKind, step: int, sha256: str) -> RunFile:
    """Return the record of a file in the runs folder."""
    return RunFile(path.relative_to(runs_dir()).as_posix(), kind, step, sha256)


def describe_checkpoint(path: Path, sha256: str) -> RunFile:
    """Return the record of a checkpoint, whose name holds its kind and step."""
    kind, step = path.stem.split("-")
    return describe_file(path, FileKind(kind), int(step), sha256)


def recorded_checkpoints(queries: Queries, run: Run, kind: FileKind) -> dict[int, Path]:
    """Return the checkpoints of a kind that a run recorded and that exist, by step, ascending. Reads no file."""
    paths = {file.step: runs_dir() / file.path for file in queries.list_files(run.id) if file.kind is kind}
    return dict(sorted((step, path) for step, path in paths.items() if path.exists()))


def newest_checkpoint(queries: Queries, run: Run) -> Path | None:
    """Return the checkpoint of the highest step that a run recorded; None if there is none.

    Of a finished run it may be missing on the disk: an earlier one does not hold the weights that the run ended with.
    """
    checkpoints = [file for file in queries.list_files(run.id) if file.kind.is_resumable]
    paths = {runs_dir() / file.path: (file.step, file.kind is FileKind.STEP) for file in checkpoints}
    return max((path for path in paths if run.status.is_finished or path.exists()), key=paths.__getitem__, default=None)


def check_checkpoint(queries: Queries, run: Run, path: Path, content: bytes) -> None:
    """Raise `CheckpointError` unless `content`, read from `path`, is what `run` saved there."""
    hashes = _recorded_hashes(queries, run, path)
    if not hashes:
        raise unusable(path, f"is not recorded as a file of {run.name}, so another run may have saved it")
    if hashes == {""}:
        older_files.check_checkpoint(queries, run, path, content)
    elif hashlib.sha256(content).hexdigest() not in hashes:
        raise unusable(path, f"has changed since {run.name} saved it")


def has_recorded_hash(queries: Queries, run: Run, path: Path, content: bytes) -> bool:
    """Whether `content`, read from `path`, is what the store recorded for `run` there; False if it recorded no hash."""
    return hashlib.sha256(content).hexdigest() in _recorded_hashes(queries, run, path)


def is_own_file(queries: Queries, run: Run, path: Path) -> bool:
    """Whether a file is what `run` saved there."""
    hashes = _recorded_hashes(queries, run, path)
    if hashes == {""}:
        return older_files.is_own_file(queries, run, path)
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() in hashes


def set_aside_other_files(queries: Queries, run: Run) -> list[Path]:
    """Rename the files in the places of a run that are not its own, and return their new paths.

    They come from an attempt at the same run that the database has forgotten, or have been changed since.
    """
    moved = []
    for path in [*sorted(checkpoints_dir(run).glob("*.ckpt")), model_path(run)]:
        if path.exists() and not is_own_file(queries, run, path):
            names = (path.with_name(f"{path.name}.set-aside-{number}") for number in itertools.count(1))
            moved.append(path.rename(next(name for name in names if not name.exists())))
    return moved


def _recorded_hashes(queries: Queries, run: Run, path: Path) -> set[str]:
    return {file.sha256 for file in queries.list_files(run.id) if runs_dir() / file.path == path}
