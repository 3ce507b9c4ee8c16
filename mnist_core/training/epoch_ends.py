"""Where the epochs of a run end, and positions in them, also when its batch size changes during the run."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from mnist_core.config import TrainConfig
from mnist_core.records import Intervention, Run

EVALUATIONS_PER_EPOCH = 2
"""Evaluations on the validation split per epoch. Two show a trend even in a run of one epoch."""


def epoch_ends(config: TrainConfig, images: int, interventions: Sequence[Intervention] = ()) -> list[int]:
    """Return the last step of each epoch, given the changes so far.

    `images` is the size of the training split. The last entry is the total number of steps.
    """
    changes = deque(change for change in interventions if change.field == "batch_size")
    batch_size = int(changes[0].old) if changes else config.batch_size
    ends, step = [], 0
    for _epoch in range(config.epochs):
        remaining = images
        while remaining > 0:
            while changes and changes[0].step <= step:
                batch_size = int(changes.popleft().new)
            steps = steps_left = config.steps_left(remaining, batch_size)
            if not steps_left:
                break
            if changes:
                steps = min(steps, changes[0].step - step)
            step += steps
            is_all = steps == steps_left and config.last_batch != "drop"  # the last batch may be merged into
            remaining -= remaining if is_all else steps * batch_size
        ends.append(step)
    return ends


def batch_size_at(config: TrainConfig, interventions: Sequence[Intervention], step: int) -> int:
    """Return the batch size after `step` steps, changes at this step included."""
    changes = [change for change in interventions if change.field == "batch_size"]
    sizes = [int(change.new) for change in changes if change.step <= step]
    return [int(changes[0].old) if changes else config.batch_size, *sizes][-1]


def position_in_epoch(run: Run, epoch: int, step: int) -> tuple[int, int]:
    """Return how many batches and how many images of an epoch a run has trained on after `step` steps."""
    ends = [0, *epoch_ends(run.config, run.train_images, run.interventions)]
    steps = range(ends[epoch - 1], step)
    images = 0
    for earlier in steps:
        batch_size = batch_size_at(run.config, run.interventions, earlier)
        images += run.config.next_batch_size(run.train_images - images, batch_size)
    return len(steps), images
