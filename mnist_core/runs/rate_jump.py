"""Says, before a run is continued, whether its schedule makes the learning rate jump."""

from __future__ import annotations

import math

from mnist_core.config import TrainConfig
from mnist_core.records import Run
from mnist_core.runs.lineage import config_at, epochs_done
from mnist_core.training.schedules import lr_factor


def describe_rate_jump(parent: Run, config: TrainConfig, step: int) -> str:
    """Return a text for people if the learning rate jumps where a run with `config` continues `parent` from `step`.

    A schedule is a function of the share of the run that is done. More epochs make that share smaller: a one-cycle run
    that has ended, and so has reached its lowest rate, returns to the middle of the cycle. Returns "" if the schedule
    goes on as in the parent, also if a person has chosen another base learning rate.
    """
    if not parent.train_images:
        return ""
    parent_config, done = config_at(parent, step), epochs_done(parent, step)
    unchanged = _factor(parent_config, parent_config.batch_size, parent.train_images, done)
    if math.isclose(unchanged, _factor(config, parent_config.batch_size, parent.train_images, done)):
        return ""
    before = parent_config.lr * unchanged
    after = config.lr * _factor(config, config.batch_size, parent.train_images, done)
    if f"{before:.2g}" == f"{after:.2g}":
        return ""
    jump = f"At step {step} the learning rate {'jumps' if after > before else 'drops'} from {before:.2g} to {after:.2g}"
    if config.schedule == "one-cycle":
        epochs = f"all {config.epochs} epochs" if config.epochs > 1 else "one epoch"
        jump += f", because the one-cycle schedule spans {epochs} of the new run"
    return f"{jump}. A lower learning rate makes the jump smaller." if after > before else f"{jump}."


def _factor(config: TrainConfig, batch_size: int, images: int, epochs_done: float) -> float:
    """Return the factor of the next update under the schedule of `config`."""
    steps_per_epoch = config.steps_left(images, batch_size)
    return lr_factor(
        config.schedule,
        epochs_done * steps_per_epoch,
        steps_per_epoch=steps_per_epoch,
        epochs=config.epochs,
        gamma=config.gamma,
    )
