"""Rules on the training loss: a run that diverges, learns nothing, learns too slowly or swings.

Each rule returns a finding or None. Thresholds marked "recorded" separate the recorded healthy runs, at every prefix,
from the sick ones; `benchmarks/statistics/doctor.py` prints the table, also for fresh seeds.
"""

from __future__ import annotations

import math

import numpy as np

from mnist_core.analysis.doctor.evidence import CHANCE_LOSS, LARGEST_LOSS, Evidence
from mnist_core.analysis.doctor.findings import Finding, Remedy, describe_changes, lower_rate, too_high
from mnist_core.analysis.doctor.rates import USUAL_RATE, effective_rate, is_rate_high, usual
from mnist_core.formatting import format_count
from mnist_core.records import Adjustment, RunStatus

WORSE_THAN_CHANCE = CHANCE_LOSS + 1.0
"""Mean loss of a block, in nats, far above that of guessing. Recorded: healthy runs stay below 2.4."""

RISE, RISE_FACTOR = 1.0, 3.0
"""A loss that has risen by this many nats and by this factor above its lowest block is rising, not noisy. Recorded."""

CHANCE_ACCURACY = 0.2
"""Highest mean accuracy that still counts as guessing: 10 % are right by chance, and a network that has found the
commonest digits is soon above 20 %."""

DEAD_BAND = 0.08
"""Nats around the loss of guessing within which a network answers the same for every image, as dead ReLUs make it do
(Maas, Hannun & Ng 2013, "Rectifier nonlinearities improve neural network acoustic models", section 2)."""

CHANCE_STEPS, SPIKE_STEPS, SPIKE = 100, 50, 0.25
"""Steps after which a network should know something, and fewer if its loss was this far above that of guessing before.
Recorded: all healthy runs are above 25 % by then."""

LATE_STEPS, LATE_ACCURACY, LATE_LOSS = 250, 0.6, 1.0
"""After so many steps at a high rate, a network should be better than this. Recorded."""

SLOW_LOSS, SLOW_STEPS = 1.2, 150
"""Loss, in nats, above which a run is slow after so many steps if its rate is low. Recorded."""

SLOW_RATE = 0.25
"""Share of the usual rate below which a rate is low."""

SWING = 0.2
"""Standard deviation of the block means of the latest blocks, as a share of their mean, above which a loss swings."""

FALLING, STALLED = 0.85, 0.95
"""Mean loss as a share of that before, above which it does not fall: from one half of the latest blocks to the other,
and from the second quarter of a run to its last. Recorded."""

BEYOND_CHANCE = 1.5
"""Standard deviation of ten block means, in standard errors, that chance exceeds 2 times in 100: chi-squared with 9
degrees of freedom is above 9 * 1.5 ** 2 with probability 0.016. `SWING` must be met as well."""

SWINGING_LOSS = 0.3
"""Nats; a smaller loss swings on every network that has almost learned its images by heart."""


def diverged(evidence: Evidence) -> Finding | None:
    """Name the step at which the loss stopped being a number, and the settings that made it so.

    The condition is the engine's: a run ends when its loss is NaN or infinite.
    """
    if evidence.run.status is not RunStatus.DIVERGED:
        return None
    value = "infinite" if evidence.steps and math.isinf(evidence.losses[-1]) else "NaN"
    step = format_count(evidence.run.progress.step)
    return Finding(
        "diverged", f"Loss became {value} at step {step}: {too_high(evidence)}.", lower_rate(evidence, restart=True)
    )


def diverging(evidence: Evidence) -> Finding | None:
    """A loss far above that of guessing, or far above its own best (`WORSE_THAN_CHANCE`, `RISE`, `RISE_FACTOR`).

    Updates that lead to such a loss were worse than none: a network that has learned nothing has the loss of guessing,
    ln 10.
    """
    if evidence.steady_steps < 2 * evidence.block_size:
        return None
    recent = evidence.recent(evidence.losses)
    has_risen = recent > evidence.best_loss + RISE and recent > RISE_FACTOR * evidence.best_loss
    if not has_risen and recent < WORSE_THAN_CHANCE:
        return None
    if not has_risen and evidence.is_training and evidence.steady_steps < 3 * evidence.block_size:
        return None  # the first updates of a fresh network may overshoot once
    text = f"Loss jumps to {_nats(recent)}: {too_high(evidence)}."
    return Finding("diverging", text, lower_rate(evidence, restart=True))


def not_learning(evidence: Evidence) -> Finding | None:
    """At chance level, dead from the start, or with a rate far too low; the cause decides on the words and the remedy.

    At chance: accuracy below `CHANCE_ACCURACY` over the latest three blocks after `CHANCE_STEPS`. Dead: the loss sits
    within `DEAD_BAND` of ln 10 and the rate is not low.
    """
    blocks = evidence.latest_losses
    if len(blocks) < 3 or _is_warming_up(evidence):
        return None
    has_spiked = evidence.block_losses.max() > CHANCE_LOSS + SPIKE
    if evidence.steps < (SPIKE_STEPS if has_spiked else CHANCE_STEPS):
        return None
    accuracy, recent = evidence.recent(evidence.accuracies, 3), float(blocks[-3:].mean())
    steps = format_count(evidence.steps)
    if effective_rate(evidence.settings) < SLOW_RATE * USUAL_RATE[evidence.settings.optimizer]:
        return _slow(evidence, accuracy, recent, steps)
    is_late = evidence.steps >= LATE_STEPS and is_rate_high(evidence.settings)
    if is_late and accuracy < LATE_ACCURACY and recent > LATE_LOSS:
        learned = f"Only {100 * accuracy:.0f}\u202f% right after {steps} steps"
    elif accuracy < CHANCE_ACCURACY and recent > CHANCE_LOSS - 2 * DEAD_BAND:
        learned = f"Still at chance after {steps} steps"
    else:
        return None
    if np.abs(blocks[-3:] - CHANCE_LOSS).max() < DEAD_BAND:
        text = f"The network gives every image the same answer (loss {recent:.3f}, that of guessing): "
        return Finding("dead_start", f"{text}{too_high(evidence)}.", lower_rate(evidence))
    if accuracy < CHANCE_ACCURACY:
        learned = f"Still at chance after {steps} steps"
    return Finding("chance", f"{learned}: {too_high(evidence)}.", lower_rate(evidence))


def _slow(evidence: Evidence, accuracy: float, recent: float, steps: str) -> Finding | None:
    if recent < SLOW_LOSS:
        return None
    settings = evidence.settings
    rate = f"the learning rate {settings.lr:g} is too low"
    faster = usual(settings)
    remedy: Remedy | None = None
    if faster.lr != settings.lr and evidence.is_training:
        remedy = Remedy("raise_lr", f"Set {faster.lr:g}", adjustment=Adjustment(lr=faster.lr))
    elif faster.lr != settings.lr and evidence.has_ended:
        remedy = Remedy("train_again", f"Train again{describe_changes(settings, faster)}", config=faster)
    if accuracy <= CHANCE_ACCURACY:
        return Finding("chance", f"Still at chance after {steps} steps: {rate}.", remedy)
    if evidence.steps < SLOW_STEPS:
        return None
    percent = f"{100 * accuracy:.0f}\u202f%"
    return Finding("slow", f"Learns slowly: {percent} right after {steps} steps, since {rate}.", remedy)


def oscillating(evidence: Evidence) -> Finding | None:
    """A loss that swings, or stays where it is at a high rate, without falling, and above `SWINGING_LOSS`.

    It swings if the latest 10 blocks differ by `SWING` and by more than chance makes them (`BEYOND_CHANCE`): a block's
    mean varies by the spread of its batches over the root of their number. It stays if the last quarter of the run is
    no better than the second one (`STALLED`). Gradient descent swings across a valley whose curvature is above 2 / rate
    (LeCun, Bottou, Orr & Müller 1998, "Efficient BackProp", section 5).
    """
    blocks = evidence.latest_losses
    if len(blocks) < 10 or _is_warming_up(evidence):
        return None
    first, second = blocks[:5].mean(), blocks[5:].mean()
    swings = (
        second >= FALLING * first
        and blocks.std() >= SWING * blocks.mean()
        and blocks.std() >= BEYOND_CHANCE * evidence.chance_spread
    )
    if second < SWINGING_LOSS or not (swings or _stalls(evidence)):
        return None
    low, high = blocks.min(), blocks.max()
    text = f"Loss swings between {_nats(low)} and {_nats(high)} without falling: {too_high(evidence)}."
    return Finding("oscillating", text, lower_rate(evidence))


def _stalls(evidence: Evidence) -> bool:
    blocks = evidence.block_losses
    quarter = len(blocks) // 4
    if quarter < 3 or not is_rate_high(evidence.settings):
        return False
    return bool(blocks[-quarter:].mean() >= STALLED * blocks[quarter : 2 * quarter].mean())


def _is_warming_up(evidence: Evidence) -> bool:
    """Whether a schedule still raises the rate, so that a low one is on purpose."""
    rates = evidence.rates
    return evidence.settings.schedule == "one-cycle" and bool(len(rates)) and rates[-1] == rates.max()


def _nats(loss: float) -> str:
    return "infinity" if loss >= LARGEST_LOSS else f"{loss:.2f}" if loss < 100 else format_count(loss)
