"""New runs made from old ones: continued from a checkpoint with other settings, or repeated as they were steered.

Without torch: a checkpoint is copied as a file, and the trainer of the new run goes on from it.
"""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime
from pathlib import Path

from mnist_core.checkpoint_files import BEST, checkpoint_path, checkpoints_dir, list_checkpoints
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError, RunStateError
from mnist_core.records import ADJUSTABLE, Intervention, ProcessIdentity, Run
from mnist_core.store import RunStore

FIXED = ("model", "optimizer", "dataset", "seed", "validation_fraction")
"""What weights, the optimizer's memory and the order of images depend on: a run keeps it from the one it continues."""


def fork_points(run: Run) -> dict[int, Path]:
    """The checkpoints that a run can be continued from, by step, ascending."""
    folder = checkpoints_dir(run.id)
    return dict(sorted({**list_checkpoints(folder, BEST), **list_checkpoints(folder)}.items()))


def fork(
    store: RunStore,
    parent: Run,
    config: TrainConfig,
    *,
    step: int | None = None,
    name: str = "",
    trainer: ProcessIdentity | None = None,
) -> Run:
    """A new run that goes on from a checkpoint of `parent`, the latest if `step` is None, with the settings `config`.

    Its curve begins with the parent's up to that step. Raises `RunStateError` when there is no such checkpoint,
    `ConfigError` when a setting was changed that cannot be.
    """
    points = fork_points(parent)
    if not points:
        raise RunStateError(f"{parent.name} has no checkpoint to go on from. Train it again instead.")
    step = max(points) if step is None else step
    if step not in points:
        there_are = ", ".join(map(str, points))
        raise RunStateError(f"{parent.name} has no checkpoint of step {step}. Choose one of {there_are}.")
    for field in FIXED:
        if getattr(config, field) != getattr(parent.config, field):
            raise ConfigError(
                field,
                f"{SETTINGS[field].label} cannot be changed in a run that goes on from another: "
                f"{parent.name} has {getattr(parent.config, field)}, got {getattr(config, field)}.",
            )

    def copy_checkpoint(run_id: int) -> None:
        folder = checkpoints_dir(run_id)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(points[step], checkpoint_path(folder, step))

    changed = [
        Intervention(step, field, getattr(parent.config, field), getattr(config, field), datetime.now(UTC), "continued")
        for field in ADJUSTABLE
        if getattr(config, field) != getattr(parent.config, field)
    ]
    return store.create_run(
        config, name, trainer, parent=parent, parent_step=step, changed=changed, prepare=copy_checkpoint
    )


def continue_for(
    store: RunStore, parent: Run, epochs: int, name: str = "", trainer: ProcessIdentity | None = None
) -> Run:
    """A new run that trains a finished one for `epochs` more."""
    if not parent.status.is_finished:
        raise RunStateError(f"{parent.name} is {parent.status}: only a run that has ended can be continued.")
    last = max(fork_points(parent), default=None)
    longer = dataclasses.replace(parent.config, epochs=parent.config.epochs + epochs)
    return fork(store, parent, longer, step=last, name=name, trainer=trainer)


def repeat(store: RunStore, original: Run, name: str = "", trainer: ProcessIdentity | None = None) -> Run:
    """The same run again: same settings and seed, and the same interventions at the same steps."""
    if original.parent_step is not None:
        raise RunStateError(f"{original.name} goes on from another run: only a run that began anew can be repeated.")
    return store.create_run(original.config, name, trainer, parent=original, plan=original.interventions)
