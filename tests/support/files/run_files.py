"""Files of a run, recorded and put in place as its trainer does."""

import hashlib
from pathlib import Path

from mnist_core.checkpoints.index import checkpoint_path, checkpoints_dir, model_path
from mnist_core.checkpoints.ownership import describe_checkpoint, describe_file
from mnist_core.records import FileKind, Run, RunFile
from mnist_core.store import RunStore, sql


def give_checkpoint(store: RunStore, run: Run, step: int, kind: FileKind = FileKind.STEP) -> Path:
    """Give a run a checkpoint that pages can copy but no trainer can read."""
    path, content = checkpoint_path(checkpoints_dir(run), step, kind), b"copied, not read, by the page"
    return _write(store, run, path, content, describe_checkpoint(path, hashlib.sha256(content).hexdigest()))


def give_model(store: RunStore, run: Run, content: bytes) -> Path:
    path, sha256 = model_path(run), hashlib.sha256(content).hexdigest()
    return _write(store, run, path, content, describe_file(path, FileKind.MODEL, run.progress.step, sha256))


def _write(store: RunStore, run: Run, path: Path, content: bytes, file: RunFile) -> Path:
    with store._engine.begin() as connection:
        sql.record_file(connection, run.id, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
