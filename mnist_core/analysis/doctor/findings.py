"""What a rule says: a finding, with at most one remedy; and the remedies that several rules share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from mnist_core.analysis.doctor.evidence import Evidence
from mnist_core.analysis.doctor.rates import at_fault, gentler, halved
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.formatting import format_count
from mnist_core.records import Adjustment

HEALTHY_SHARE = 1.5
"""A checkpoint is good if the loss before it is at most this multiple of the lowest so far, or `MARGIN` above it."""

LEARNED_LOSS = 2.0
"""Nats; a checkpoint from before the network has learned anything is no better than a new start."""

NEXT_STEPS, NOISE = 5, 3.0
"""The mean loss of so few batches may be this multiple of that of a block by chance."""

MARGIN = 0.1
"""Nats; the blocks of a healthy run differ by chance."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What a button offers. `runs.remedies` carries it out."""

    id: str
    label: str
    adjustment: Adjustment | None = None
    """The change of settings that it makes."""
    config: TrainConfig | None = None
    """Settings of the new run that it starts."""
    step: int | None = None
    """Checkpoint from which the new run starts; None means the latest, or step 0 for `train_again`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence with its evidence."""

    rule: str
    text: str
    remedy: Remedy | None = None


def lower_rate(evidence: Evidence, *, restart: bool = False) -> Remedy | None:
    """Return the remedy for a rate that is too high: halve it while the run trains, else start a gentler run.

    With `restart` the new run starts from the last good checkpoint before the trouble, if there is one.
    """
    settings = evidence.settings
    if evidence.is_training:
        calmer = halved(settings)
        if calmer == settings:
            return None
        change = Adjustment(lr=calmer.lr, momentum=calmer.momentum if calmer.momentum != settings.momentum else None)
        label = "Halve it now" if change.momentum is None else f"Halve it, with momentum {calmer.momentum:g}"
        return Remedy("halve_lr", label, adjustment=change)
    if not evidence.has_ended:
        return None
    calmer = gentler(settings)
    if calmer == settings:
        return None
    gentle = describe_changes(settings, calmer)
    step = last_good_checkpoint(evidence) if restart else None
    if step is None:
        return Remedy("train_again", f"Train again{gentle}", config=calmer)
    is_tenth = abs(calmer.lr - settings.lr / 10) < 1e-9 and replace(calmer, lr=settings.lr) == settings
    rate = " at a tenth of the rate" if is_tenth else gentle
    return Remedy("restart", f"Start again from step {format_count(step)}{rate}", config=calmer, step=step)


def describe_changes(old: TrainConfig, new: TrainConfig) -> str:
    """Return how another try differs, for a label: ` at 0.02, momentum 0.9`, or `, gentler` for three settings."""
    others = [name for name in SETTINGS if name != "lr" and getattr(old, name) != getattr(new, name)]
    if len(others) > 1:
        return ", gentler"
    changed = [f"{SETTINGS[name].sentence_label} {getattr(new, name):g}" for name in others]
    return f" at {', '.join([f'{new.lr:g}', *changed])}"


def last_good_checkpoint(evidence: Evidence) -> int | None:
    """Return the step of the last checkpoint before the trouble began whose loss was good; None if there is none.

    The loss is good in the block of steps before it, and also just after it, where bad weights would show first.
    """
    limit = max(HEALTHY_SHARE * evidence.best_loss, evidence.best_loss + MARGIN)
    latest = min(trouble_onset(evidence, limit), evidence.run.total_steps - 1)
    good = [
        step
        for step in evidence.checkpoints
        if 0 < step <= latest
        and evidence.mean_loss(step - evidence.block_size, step) <= min(limit, LEARNED_LOSS)
        and evidence.mean_loss(step, step + NEXT_STEPS) <= NOISE * limit
    ]
    return max(good, default=None)


def trouble_onset(evidence: Evidence, limit: float) -> int:
    """Return the last step at which the loss may still have been good; every later block is above `limit`."""
    is_good = evidence.block_losses <= limit
    if not is_good.any():
        return 0
    last_good = int(np.flatnonzero(is_good)[-1])
    ends = [*evidence.block_ends.tolist(), evidence.steps + 1]
    return int(ends[last_good + 1]) - 1


def too_high(evidence: Evidence) -> str:
    """Say which settings are too high: `the learning rate 0.9 with momentum 0.95 is too high`."""
    return f"{at_fault(evidence.settings)} too high"
