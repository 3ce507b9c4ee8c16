"""The checkpoints of a run, one file each: written atomically, verified when read.

A folder belongs to one run. It holds the last `RECENT_CHECKPOINTS` checkpoints, the best one, and snapshots of the
weights at the steps of `snapshot_plan`. The best is a copy,
not a link: some disks have no links, and a damaged block then costs only one file. The caller decides when to save and
which checkpoint is the best, and knows whose the files are (see `ownership`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mnist_core.checkpoints.envelope import unseal, unusable
from mnist_core.checkpoints.format import Checkpoint, SavedNetwork, decode, decode_network, encode
from mnist_core.checkpoints.index import checkpoint_path, list_checkpoints
from mnist_core.checkpoints.snapshot_plan import MAX_SNAPSHOTS
from mnist_core.config import TrainConfig
from mnist_core.errors import CheckpointError
from mnist_core.records import FileKind
from mnist_core.system.atomic_files import is_disk_full, remove_leftovers, write_atomically
from mnist_core.system.paths import display_path
from mnist_core.system.private_files import create_private_folder
from mnist_core.training.train_state import TrainState

RECENT_CHECKPOINTS = 2
"""Number of recent checkpoints that are kept: one to resume from, and the one before in case it is damaged."""


def save(
    folder: Path,
    config: TrainConfig,
    state: TrainState,
    *,
    dataset: str,
    interventions: Sequence[Mapping[str, Any]] = (),
    best: bool = False,
    confirm: Callable[[Path, str], object] = lambda _path, _sha256: None,
) -> Path:
    """Save a run after any event, and return the file; it is on the disk when this returns.

    `best` marks the checkpoint as the best on validation so far. `interventions` are JSON values. `confirm` is
    called with each file and its SHA-256 just before the file takes its place; if it raises, everything stays as it
    was. Once the new file is safe, older checkpoints are removed, and those of later steps, which a run that went back
    to an earlier step has left.
    Raises `CheckpointError` if the disk is full or the folder cannot be written; the previous checkpoint is then
    unchanged, and no temporary file is left.
    """
    content = encode(config, state, dataset, interventions)
    sha256 = hashlib.sha256(content).hexdigest()
    path, best_path = (checkpoint_path(folder, state.step, kind) for kind in (FileKind.STEP, FileKind.BEST))
    try:
        create_private_folder(folder)
        remove_leftovers(folder)
        if best:
            # First: a run killed between the two resumes before this evaluation, and so marks the best again.
            write_atomically(best_path, content, confirm=lambda: confirm(best_path, sha256))
        write_atomically(path, content, confirm=lambda: confirm(path, sha256))
        _remove_superseded(folder, state.step)
    except OSError as error:
        raise CheckpointError(f"{_not_saved(path, error)}; the previous checkpoint is still there.") from error
    return path


def save_snapshot(
    folder: Path,
    config: TrainConfig,
    state: TrainState,
    *,
    dataset: str,
    confirm: Callable[[Path, str], object] = lambda _path, _sha256: None,
) -> Path:
    """Save the weights alone after any event, and return the file.

    See `save` for `confirm`. Raises `CheckpointError` if the disk is full or the folder cannot be written.
    """
    content = encode(config, state, dataset, (), is_snapshot=True)
    sha256 = hashlib.sha256(content).hexdigest()
    path = checkpoint_path(folder, state.step, FileKind.SNAPSHOT)
    try:
        create_private_folder(folder)
        remove_leftovers(folder)
        write_atomically(path, content, confirm=lambda: confirm(path, sha256))
    except OSError as error:
        raise CheckpointError(f"{_not_saved(path, error)}.") from error
    return path


def _not_saved(path: Path, error: OSError) -> str:
    is_full = is_disk_full(error)
    remedy = "Free some disk space" if is_full else f"Make {display_path(path.parent)} a folder that can be written"
    return f"Checkpoint {display_path(path)} could not be saved: {error.strerror or error}. {remedy}"


def load(
    path: Path,
    device: str | None = None,
    settings: TrainConfig | None = None,
    check: Callable[[Path, bytes], object] = lambda _path, _content: None,
) -> Checkpoint:
    """Read, verify and rebuild a checkpoint, to continue on the device of its config or on `device`.

    `settings` replace the saved ones; settings equal in both keep the values they were adjusted to during the run.
    `check` is called with the content of an undamaged file, and raises `CheckpointError` if it is not the expected one.

    Raises `CheckpointError` if the file is missing, damaged, not a checkpoint, from a newer version or does not fit,
    and `ConfigError` if this machine lacks the device or the precision.
    """
    return decode(path, _read_payload(path, check), device, settings)


def load_network(path: Path, check: Callable[[Path, bytes], object] = lambda _path, _content: None) -> SavedNetwork:
    """Read, verify and rebuild the network in a checkpoint or snapshot, on the CPU and in eval mode.

    See `load` for `check` and errors.
    """
    return decode_network(path, _read_payload(path, check))


def _read_payload(path: Path, check: Callable[[Path, bytes], object]) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise unusable(path, problem) from error
    payload = unseal(path, content)
    check(path, content)
    return payload


def _remove_superseded(folder: Path, step: int) -> None:
    kept = ((FileKind.STEP, RECENT_CHECKPOINTS), (FileKind.BEST, 1), (FileKind.SNAPSHOT, MAX_SNAPSHOTS))
    for kind, count in kept:
        paths = list_checkpoints(folder, kind)
        current = [number for number in paths if number <= step][-count:]
        for number in paths.keys() - current:
            paths[number].unlink(missing_ok=True)
