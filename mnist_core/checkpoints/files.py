"""The checkpoints of a run, one file each: written atomically, verified when read.

A folder belongs to one run. It holds the last `RECENT_CHECKPOINTS` checkpoints and the best one. The best is a copy,
not a link: some disks have no links, and a damaged block then costs only one file. The caller decides when to save and
which checkpoint is the best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mnist_core.checkpoints.format import Checkpoint, decode, encode, unusable
from mnist_core.checkpoints.index import BEST, STEP, checkpoint_path, list_checkpoints
from mnist_core.config import TrainConfig
from mnist_core.errors import CheckpointError
from mnist_core.system.atomic_files import is_disk_full, remove_leftovers, write_atomically
from mnist_core.system.paths import display_path
from mnist_core.training.engine import TrainState

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
    confirm: Callable[[], object] = lambda: None,
) -> Path:
    """Save a run after any event, and return the file; it is on the disk when this returns.

    `best` marks the checkpoint as the best by validation accuracy so far. `interventions` are JSON values. `confirm` is
    called just before the file takes its place; if it raises, everything stays as it was. Once the new file is safe,
    older checkpoints are removed, and those of later steps, which a run that went back to an earlier step has left.
    Raises `CheckpointError` if the disk is full or the folder cannot be written; the previous checkpoint is then
    unchanged, and no temporary file is left.
    """
    content = encode(config, state, dataset, interventions)
    path = checkpoint_path(folder, state.step)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        if best:
            # First: a run killed between the two resumes before this evaluation, and so marks the best again.
            write_atomically(checkpoint_path(folder, state.step, BEST), content, confirm=confirm)
        write_atomically(path, content, confirm=confirm)
        _remove_superseded(folder, state.step)
    except OSError as error:
        is_full = is_disk_full(error)
        remedy = "Free some disk space" if is_full else f"Make {display_path(folder)} a folder that can be written"
        raise CheckpointError(
            f"Checkpoint {display_path(path)} could not be saved: {error.strerror or error}. {remedy}; "
            "the previous checkpoint is still there."
        ) from error
    return path


def load(path: Path, device: str | None = None, settings: TrainConfig | None = None) -> Checkpoint:
    """Read, verify and rebuild a checkpoint, to continue on the device of its config or on `device`.

    `settings` replace the saved ones; settings equal in both keep the values they were adjusted to during the run.

    Raises `CheckpointError` if the file is missing, damaged, not a checkpoint, from a newer version or does not fit,
    and `ConfigError` if this machine lacks the device or the precision.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise unusable(path, problem) from error
    return decode(path, content, device, settings)


def load_latest(folder: Path, device: str | None = None, settings: TrainConfig | None = None) -> Checkpoint | None:
    """Return the newest usable checkpoint, the best one if no recent one is usable, None if there are none.

    Raises `CheckpointError` if there are checkpoints but none is usable; starting again is then the caller's decision.
    """
    paths = [*reversed(list_checkpoints(folder).values()), *list_checkpoints(folder, BEST).values()]
    skipped: list[str] = []
    for path in paths:
        try:
            return replace(load(path, device, settings), skipped=tuple(skipped))
        except CheckpointError as error:
            skipped.append(str(error))
    if skipped:
        raise CheckpointError(f"No checkpoint in {display_path(folder)} can be used. {' '.join(skipped)}")
    return None


def _remove_superseded(folder: Path, step: int) -> None:
    for kind, count in ((STEP, RECENT_CHECKPOINTS), (BEST, 1)):
        paths = list_checkpoints(folder, kind)
        current = [number for number in paths if number <= step][-count:]
        for number in paths.keys() - current:
            paths[number].unlink(missing_ok=True)
