"""Creates runs from other runs: continued from a checkpoint with other settings, or repeated.

Does not import torch. A checkpoint is copied as a file once its hash has been verified, and the trainer of the new run
loads it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from bisect import bisect_right
from datetime import UTC, datetime
from pathlib import Path

from mnist_core.analysis.seed_groups import unused_seeds
from mnist_core.checkpoints.index import checkpoint_path, checkpoints_dir
from mnist_core.checkpoints.ownership import check_checkpoint, describe_checkpoint, recorded_checkpoints
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import CheckpointError, ConfigError, RunStateError
from mnist_core.records import ADJUSTABLE, FileKind, Intervention, ProcessIdentity, Run, RunFile, RunStatus
from mnist_core.store import RunStore
from mnist_core.store.queries import Queries
from mnist_core.system.atomic_files import write_atomically
from mnist_core.system.paths import display_path
from mnist_core.system.private_files import create_private_folder
from mnist_core.training.epoch_ends import epoch_ends

INHERITED_SETTINGS = ("model", "optimizer", "dataset", "seed", "validation_fraction", "train_fraction", "last_batch")
"""Settings that must stay the same when a run is continued: weights, optimizer state, image order or the ends of epochs
depend on them."""

MAX_NEW_SEEDS = 20
"""Maximum number of seeds per request."""


def fork_points(queries: Queries, run: Run) -> dict[int, Path]:
    """Return the checkpoints from which a run can be continued, by step, ascending."""
    best, recent = (recorded_checkpoints(queries, run, kind) for kind in (FileKind.BEST, FileKind.STEP))
    return dict(sorted({**best, **recent}.items()))


def config_at(run: Run, step: int | None = None) -> TrainConfig:
    """Return the settings of a run at a step, interventions included. None means the latest step."""
    changes = [change for change in run.interventions if step is None or change.step <= step]
    return dataclasses.replace(
        run.config, **{change.field: SETTINGS[change.field].kind(change.new) for change in changes}
    )


def config_to_go_on(run: Run, step: int | None = None) -> TrainConfig:
    """Return the settings at a step, as `config_at`, without the patience if early stopping has ended the run.

    From its best step and with its patience it would only train the same steps again, and stop at the same one.
    """
    config = config_at(run, step)
    return dataclasses.replace(config, patience=0) if has_stopped_early(run) else config


def has_stopped_early(run: Run) -> bool:
    """Whether early stopping ended the run: its patience had run out, be it at its last evaluation."""
    return run.status is RunStatus.COMPLETED and run.lost_patience


def epochs_done(run: Run, step: int) -> float:
    """Return the epochs done after `step`; an estimate within an epoch in which the batch size has changed."""
    ends = epoch_ends(run.config, run.train_images, run.interventions)
    whole_epochs = bisect_right(ends, step)
    if whole_epochs == len(ends):
        return whole_epochs
    start = ends[whole_epochs - 1] if whole_epochs else 0
    return whole_epochs + (step - start) / (ends[whole_epochs] - start)


def check_epochs_left(parent: Run, config: TrainConfig, step: int) -> None:
    """Raise `ConfigError` if nothing is left to train with `config` from the parent's checkpoint of `step`."""
    if parent.train_images and epochs_done(parent, step) >= config.epochs:
        epochs = "its only epoch" if config.epochs == 1 else f"all {config.epochs} epochs"
        raise ConfigError(
            "epochs",
            f"{parent.name} has trained {epochs} at step {step:,}: nothing is left to train. "
            "Give it more epochs (in a terminal with --more-epochs), or choose an earlier checkpoint.",
        )


def fork(
    store: RunStore,
    parent: Run,
    config: TrainConfig,
    *,
    step: int | None = None,
    name: str = "",
    trainer: ProcessIdentity | None = None,
) -> Run:
    """Create a run that continues `parent` from its checkpoint of `step` with the settings `config`.

    `step` None means the latest checkpoint. The curve of the new run begins with the parent's up to that step. With
    `trainer`, that process trains the run at once, outside the queue.
    Raises `RunStateError` when there is no such checkpoint, `ConfigError` when one of `INHERITED_SETTINGS` differs, no
    epoch is left or the network may not be run here, and `CheckpointError` when the checkpoint is not what `parent`
    saved, or cannot be copied.
    """
    store.queries.check_network(parent.config.model)
    points = fork_points(store.queries, parent)
    if not points:
        raise RunStateError(f"{parent.name} has no checkpoint to continue from. Train it again instead.")
    step = max(points) if step is None else step
    if step not in points:
        steps = ", ".join(map(str, points))
        raise RunStateError(f"{parent.name} has no checkpoint of step {step}. Choose one of {steps}.")
    _check_inherited(parent, config)
    check_epochs_left(parent, config, step)

    def copy_checkpoint(run: Run) -> list[RunFile]:
        return [_copy_checkpoint(store.queries, parent, points[step], run, step)]

    return store.commands.create_run(
        config,
        name,
        trainer,
        parent=parent,
        parent_step=step,
        changed=_changes(parent, config, step),
        prepare=copy_checkpoint,
    )


def _check_inherited(parent: Run, config: TrainConfig) -> None:
    """Raise `ConfigError` if `config` changes one of the settings that a run inherits from its parent."""
    for field in INHERITED_SETTINGS:
        if getattr(config, field) != getattr(parent.config, field):
            raise ConfigError(
                field,
                f"{SETTINGS[field].label} cannot be changed in a run that continues another: "
                f"{parent.name} has {getattr(parent.config, field)}, got {getattr(config, field)}.",
            )


def _changes(parent: Run, config: TrainConfig, step: int) -> list[Intervention]:
    """Return the differences between `config` and the settings of the parent at `step`, as interventions."""
    parent_config = config_at(parent, step)
    return [
        Intervention(step, field, getattr(parent_config, field), getattr(config, field), datetime.now(UTC), "continued")
        for field in ADJUSTABLE
        if getattr(config, field) != getattr(parent_config, field)
    ]


def _copy_checkpoint(queries: Queries, parent: Run, source: Path, run: Run, step: int) -> RunFile:
    """Copy a checkpoint of the parent to a new run. Raises `CheckpointError`, and then leaves nothing behind."""
    path = checkpoint_path(checkpoints_dir(run), step)
    try:
        content = source.read_bytes()
        check_checkpoint(queries, parent, source, content)
        create_private_folder(path.parent)
        write_atomically(path, content)
    except OSError as error:
        shutil.rmtree(path.parent, ignore_errors=True)
        raise CheckpointError(
            f"Checkpoint {display_path(source)} could not be copied ({error.strerror}). "
            "Free some disk space, or choose another checkpoint if the run has replaced this one meanwhile."
        ) from error
    return describe_checkpoint(path, hashlib.sha256(content).hexdigest())


def with_more_epochs(parent: Run, epochs: int, step: int | None = None) -> TrainConfig:
    """Return the settings to go on with from a step, with `epochs` added to its epochs. None means the latest step."""
    total_epochs = SETTINGS["epochs"].validate(parent.config.epochs + epochs)
    return dataclasses.replace(config_to_go_on(parent, step), epochs=total_epochs)


def repeat(store: RunStore, original: Run, name: str = "", trainer: ProcessIdentity | None = None) -> Run:
    """Create a run with the same settings and seed, and the same interventions at the same steps.

    Raises `RunStateError` when `original` continues another run.
    """
    if original.parent_step is not None:
        raise RunStateError(f"{original.name} continues another run: only a run that starts at step 0 can be replayed.")
    return store.commands.create_run(original.config, name, trainer, parent=original, plan=original.interventions)


def repeat_with_new_seeds(store: RunStore, original: Run, count: int) -> list[Run]:
    """Create the same run, with the same interventions, once for each of `count` unused seeds.

    Raises `RunStateError` when `original` continues another run, `ConfigError` when `count` is out of range.
    """
    if original.parent_step is not None:
        raise RunStateError(f"{original.name} continues another run and keeps its seed. Choose that run instead.")
    if not 1 <= count <= MAX_NEW_SEEDS:
        raise ConfigError("count", f"Seeds must be from 1 to {MAX_NEW_SEEDS} at once, got {count}.")
    return [
        store.commands.create_run(
            dataclasses.replace(original.config, seed=seed), parent=original, plan=original.interventions
        )
        for seed in unused_seeds(original, store.queries.list_sound_runs(), count)
    ]
