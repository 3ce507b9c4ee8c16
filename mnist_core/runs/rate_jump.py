"""Says, before a run is continued, whether its schedule makes the learning rate jump."""

from __future__ import annotations

import math
from bisect import bisect_right

from mnist_core.config import TrainConfig
from mnist_core.records import Run
from mnist_core.runs.lineage import config_at
from mnist_core.training.epoch_ends import epoch_ends
from mnist_core.training.schedules import lr_factor


def describe_rate_jump(parent: Run, config: TrainConfig, step: int) -> str:
    """Return a text for people if the learning rate jumps where a run with `config` continues `parent` from `step`.

    A schedule is a function of the share of the run that is done. More epochs make that share smaller: a one-cycle run
    that has ended, and so has reached its lowest rate, returns to the middle of the cycle. Returns "" if the schedule
    goes on as in the parent, also if a person has chosen another base learning rate.
    """
    if not parent.train_images:
        return ""
    parent_config, epochs_done = config_at(parent, step), _epochs_done(parent, step)
    unchanged = _factor(parent_config, parent_config.batch_size, parent.train_images, epochs_done)
    if math.isclose(unchanged, _factor(config, parent_config.batch_size, parent.train_images, epochs_done)):
        return ""
    before = parent_config.lr * unchanged
    after = config.lr * _factor(config, config.batch_size, parent.train_images, epochs_done)
    if f"{before:.2g}" == f"{after:.2g}":
        return ""
    jump = f"At step {step} the learning rate {'jumps' if after > before else 'drops'} from {before:.2g} to {after:.2g}"
    if config.schedule == "one-cycle":
        epochs = f"all {config.epochs} epochs" if config.epochs > 1 else "one epoch"
        jump += f", because the one-cycle schedule spans {epochs} of the new run"
    return f"{jump}. A lower learning rate makes the jump smaller." if after > before else f"{jump}."


def _epochs_done(run: Run, step: int) -> float:
    """Return the epochs done after `step`; an estimate within an epoch in which the batch size has changed."""
    ends = epoch_ends(run.config, run.train_images, run.interventions)
    whole_epochs = bisect_right(ends, step)
    if whole_epochs == len(ends):
        return whole_epochs
    start = ends[whole_epochs - 1] if whole_epochs else 0
    return whole_epochs + (step - start) / (ends[whole_epochs] - start)


def _factor(config: TrainConfig, batch_size: int, images: int, epochs_done: float) -> float:
    """Return the factor of the next update under the schedule of `config`."""
    steps_per_epoch = math.ceil(images / batch_size)
    return lr_factor(
        config.schedule,
        epochs_done * steps_per_epoch,
        steps_per_epoch=steps_per_epoch,
        epochs=config.epochs,
        gamma=config.gamma,
    )
