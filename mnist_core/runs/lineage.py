"""New runs made from old ones: continued from a checkpoint with other settings, or repeated as they were steered.

Without torch: a checkpoint is copied as a file, and the trainer of the new run goes on from it.
"""

from __future__ import annotations

import dataclasses
import shutil
from datetime import UTC, datetime
from pathlib import Path

from mnist_core.analysis.seed_groups import unused_seeds
from mnist_core.checkpoints.index import BEST, checkpoint_path, checkpoints_dir, delete_checkpoints, list_checkpoints
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import CheckpointError, ConfigError, RunStateError
from mnist_core.records import ADJUSTABLE, Intervention, ProcessIdentity, Run
from mnist_core.store import RunStore
from mnist_core.system.paths import display_path

INHERITED_SETTINGS = ("model", "optimizer", "dataset", "seed", "validation_fraction")
"""What weights, the optimizer's memory and the order of images depend on: a run keeps it from the one it continues."""


MAX_NEW_SEEDS = 20
"""That can be asked for at once."""


def fork_points(run: Run) -> dict[int, Path]:
    """The checkpoints that a run can be continued from, by step, ascending."""
    folder = checkpoints_dir(run.id)
    return dict(sorted({**list_checkpoints(folder, BEST), **list_checkpoints(folder)}.items()))


def config_at(run: Run, step: int | None = None) -> TrainConfig:
    """The settings in force at a step of a run, now if none is given: those it began with and what was changed."""
    made = [one for one in run.interventions if step is None or one.step <= step]
    return dataclasses.replace(run.config, **{one.field: SETTINGS[one.field].kind(one.new) for one in made})


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
    for field in INHERITED_SETTINGS:
        if getattr(config, field) != getattr(parent.config, field):
            raise ConfigError(
                field,
                f"{SETTINGS[field].label} cannot be changed in a run that goes on from another: "
                f"{parent.name} has {getattr(parent.config, field)}, got {getattr(config, field)}.",
            )

    before = config_at(parent, step)
    changed = [
        Intervention(step, field, getattr(before, field), getattr(config, field), datetime.now(UTC), "continued")
        for field in ADJUSTABLE
        if getattr(config, field) != getattr(before, field)
    ]

    def copy_checkpoint(run_id: int) -> None:
        _copy_checkpoint(points[step], run_id, step)

    return store.commands.create_run(
        config, name, trainer, parent=parent, parent_step=step, changed=changed, prepare=copy_checkpoint
    )


def _copy_checkpoint(source: Path, run_id: int, step: int) -> None:
    """Make another run's checkpoint the first of a run. Raises `CheckpointError`, and leaves nothing behind."""
    delete_checkpoints(run_id)
    try:
        checkpoints_dir(run_id).mkdir(parents=True)
        shutil.copyfile(source, checkpoint_path(checkpoints_dir(run_id), step))
    except OSError as error:
        delete_checkpoints(run_id)
        raise CheckpointError(
            f"Checkpoint {display_path(source)} could not be copied ({error.strerror}). "
            "Free some disk space, or choose another checkpoint if the run has replaced this one meanwhile."
        ) from error


def with_more_epochs(parent: Run, epochs: int, step: int | None = None) -> TrainConfig:
    """The settings in force at a step of a run, at its end if none is given, for so many epochs more."""
    more = SETTINGS["epochs"].validate(parent.config.epochs + epochs)
    return dataclasses.replace(config_at(parent, step), epochs=more)


def repeat(store: RunStore, original: Run, name: str = "", trainer: ProcessIdentity | None = None) -> Run:
    """The same run again: same settings and seed, and the same interventions at the same steps."""
    if original.parent_step is not None:
        raise RunStateError(f"{original.name} goes on from another run: only a run that began anew can be repeated.")
    return store.commands.create_run(original.config, name, trainer, parent=original, plan=original.interventions)


def repeat_with_new_seeds(store: RunStore, original: Run, count: int) -> list[Run]:
    """The same run, with the same changes at the same steps, once for each of `count` seeds not tried yet."""
    if original.parent_step is not None:
        raise RunStateError(f"{original.name} goes on from another run, which has the seed. Choose that run instead.")
    if not 1 <= count <= MAX_NEW_SEEDS:
        raise ConfigError("count", f"Seeds must be from 1 to {MAX_NEW_SEEDS} at once, got {count}.")
    return [
        store.commands.create_run(
            dataclasses.replace(original.config, seed=seed), parent=original, plan=original.interventions
        )
        for seed in unused_seeds(original, store.queries.list_runs(), count)
    ]
