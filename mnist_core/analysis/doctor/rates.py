"""How large the updates of a run are, and which settings make them so.

With momentum m, a gradient that keeps its direction moves the weights by lr / (1 - m) in all (Sutskever et al. 2013;
Goh 2017, "Why Momentum Really Works"): this effective rate is what is too high or too low, not lr alone. Adam and
Adadelta scale each gradient by its own size, so that their rates have ranges of their own.
"""

from __future__ import annotations

from dataclasses import replace

from mnist_core.config import SETTINGS, TrainConfig

HIGH_MOMENTUM = 0.9
"""From here on momentum multiplies the rate by 10 or more, and is named with it."""

USUAL_RATE = {"sgd": 0.02, "nesterov": 0.02, "adam": 0.001, "adadelta": 1.0}
"""Effective rates with which all networks here learn: the classic script's, and the authors' of Adam and Adadelta."""

SAFE_RATE = {"sgd": 0.2, "nesterov": 0.2, "adam": 0.002, "adadelta": 1.0}
"""Effective rates up to which none of the healthy recorded runs swings (`benchmarks/statistics/doctor.py`)."""

FEWEST_IMAGES = 8
"""Batches of fewer images have gradients so noisy that they are named with a rate that is too high."""


def uses_momentum(settings: TrainConfig) -> bool:
    return settings.optimizer in ("sgd", "nesterov")


def effective_rate(settings: TrainConfig) -> float:
    """Return the rate at which steady gradients move the weights."""
    return settings.lr / (1 - settings.momentum) if uses_momentum(settings) else settings.lr


def is_rate_high(settings: TrainConfig) -> bool:
    """Whether the effective rate is above `SAFE_RATE`."""
    return effective_rate(settings) > SAFE_RATE[settings.optimizer]


def is_decay_strong(settings: TrainConfig) -> bool:
    """Whether weight decay alone shrinks the weights by a tenth or more in a time constant of the momentum.

    From 2 on an update overshoots zero by more than it began with, whatever the gradients are.
    """
    return effective_rate(settings) * settings.weight_decay >= 0.1


def at_fault(settings: TrainConfig) -> str:
    """Name every setting that makes updates large, and the verb: `the learning rate 0.9 with momentum 0.95 is`."""
    text = f"the learning rate {settings.lr:g}"
    company = []
    if uses_momentum(settings) and settings.momentum >= HIGH_MOMENTUM:
        company.append(f"momentum {settings.momentum:g}")
    if is_decay_strong(settings):
        company.append(f"weight decay {settings.weight_decay:g}")
    if settings.batch_size < FEWEST_IMAGES:
        company.append(f"batches of {settings.batch_size} image{'s' if settings.batch_size > 1 else ''}")
    return f"{text} with {' and '.join(company)} is" if company else f"{text} is"


def halved(settings: TrainConfig) -> TrainConfig:
    """Return the settings with half the rate; extreme momentum falls to 0.9, which lowers the effective rate more."""
    momentum = HIGH_MOMENTUM if uses_momentum(settings) and settings.momentum > 0.95 else settings.momentum
    return replace(settings, lr=_in_range(settings.lr / 2), momentum=momentum)


def gentler(settings: TrainConfig) -> TrainConfig:
    """Return settings for another try: a tenth of the rate or less, and no other setting at fault."""
    momentum = min(settings.momentum, HIGH_MOMENTUM) if uses_momentum(settings) else settings.momentum
    calm = replace(
        settings, momentum=momentum, weight_decay=0.0 if is_decay_strong(settings) else settings.weight_decay
    )
    safe_lr = SAFE_RATE[settings.optimizer] * (1 - momentum if uses_momentum(settings) else 1)
    return replace(calm, lr=_in_range(min(settings.lr / 10, safe_lr)))


def usual(settings: TrainConfig) -> TrainConfig:
    """Return the settings with the rate with which all networks here learn, or ten times theirs if that is higher."""
    usual_lr = USUAL_RATE[settings.optimizer] * (1 - settings.momentum if uses_momentum(settings) else 1)
    return replace(settings, lr=_in_range(usual_lr if usual_lr > settings.lr else 10 * settings.lr))


def _in_range(lr: float) -> float:
    """Return `lr` with two significant digits, within the range of the setting."""
    low, high = SETTINGS["lr"].low, SETTINGS["lr"].high
    return float(f"{min(max(lr, low), high):.2g}")
