"""Rules on the evaluations: a last batch that spoils them, overfitting, a plateau, and a run that ended too early."""

from __future__ import annotations

import math
from dataclasses import replace

from mnist_core.analysis.doctor.evidence import Evaluated, Evidence, points
from mnist_core.analysis.doctor.findings import Finding, Remedy
from mnist_core.config import SETTINGS
from mnist_core.formatting import format_count
from mnist_core.records import RunStatus

TINY_SHARE = 0.5
"""Share of a batch below which the last one of an epoch is small: its gradient has more than 1.4 times the noise."""

SPOILED = 0.03
"""Accuracy that a last batch must cost, as the median over the epochs. Recorded: 0.09 on MNIST-5k."""

LOSS_RISE = 1.3
"""Validation loss as a multiple of its lowest above which a run overfits. The generalization loss of Prechelt (1998),
"Early stopping, but when?", is this minus 1; he stops at 1 to 5 %, on larger validation sets without noise."""

GAP = 0.015
"""Least lead of training accuracy over validation accuracy for overfitting."""

BY_HEART = 0.5
"""Training loss as a share of validation loss below which the network knows its training images by heart; a loss that
swings is high in both."""

LEARNED = 0.5
"""Validation accuracy below which a run has not learned enough to speak of a plateau."""

PATIENCE = 4
"""Evaluations without improvement after which validation may have stopped improving: two epochs."""

FLATTENING = 0.97
"""Training loss of the latest epoch as a share of that a while ago, above which it no longer falls. Recorded."""

STILL_RISING = 0.02
"""Gain of validation accuracy in the last epoch, over the best before it, above which a run ended too early, if the
losses agree."""

GOOD_RESULT = 0.95
"""Validation accuracy from which a run has done its work, however much it still gains."""

STILL_LEARNING, STILL_FALLING = 0.85, 0.8
"""Losses in training and validation after the last epoch, as shares of those before, below which a run was still
learning. Losses tell more than accuracies, which chance moves by a point on 400 images. Recorded."""


def tiny_batch(evidence: Evidence) -> Finding | None:
    """A small last batch after which the evaluations at the ends of epochs are worse than training says.

    The update from a few images is noisy, and the evaluation follows at once: see `TINY_SHARE` and `SPOILED`.
    `benchmarks/statistics/last_batch.py` measures the cost.
    """
    settings, images = evidence.settings, evidence.run.train_images
    rest = images % settings.batch_size if images else 0
    keeps_it = settings.steps_left(images, settings.batch_size) > images // settings.batch_size
    if not rest or not keeps_it or rest >= TINY_SHARE * settings.batch_size:
        return None
    costs = _costs_of_epoch_ends(evidence)
    if not costs or sorted(costs)[len(costs) // 2] < SPOILED:
        return None
    images_left = f"{rest} image{'s' if rest > 1 else ''}"
    text = (
        f"The last batch of an epoch has only {images_left}, and makes the evaluation after it worse: "
        f"by about {points(sorted(costs)[len(costs) // 2])}."
    )
    merged = replace(settings, last_batch="merge")
    remedy = Remedy("train_again", "Train again with it merged", config=merged) if evidence.has_ended else None
    return Finding("tiny_batch", text, remedy)


def _costs_of_epoch_ends(evidence: Evidence) -> list[float]:
    """Return what the last batch of each epoch has cost in accuracy, as far as it was evaluated.

    Training accuracy just before it says what to expect, less what validation lags behind training in mid-epoch.
    """
    ends = set(evidence.epoch_ends)
    leads: dict[bool, list[float]] = {True: [], False: []}
    for current in evidence.validations or evidence.of_split("test"):
        is_end = current.step in ends
        before = evidence.accuracies[max(current.step - is_end - evidence.block_size, 0) : current.step - is_end]
        if len(before):
            leads[is_end].append(float(before.mean()) - current.accuracy)
    usual_lead = sum(leads[False]) / len(leads[False]) if leads[False] else 0.0
    return [lead - usual_lead for lead in leads[True]]


def overfitting(evidence: Evidence) -> Finding | None:
    """A validation loss well above its lowest for `PATIENCE` evaluations while training goes on improving.

    See `LOSS_RISE`, `GAP` and `BY_HEART`.
    """
    validations = evidence.validations
    if len(validations) <= PATIENCE or evidence.run.config.patience:  # early stopping sees to it
        return None
    best = min(range(len(validations)), key=lambda index: validations[index].loss)
    latest = validations[-PATIENCE:]
    training = evidence.recent(evidence.accuracies, 3)
    lead = training - validations[-1].accuracy
    if best >= len(validations) - PATIENCE or lead < GAP:
        return None
    if min(evaluated.loss for evaluated in latest) < LOSS_RISE * validations[best].loss:
        return None
    if evidence.recent(evidence.losses, 3) > BY_HEART * validations[-1].loss:
        return None
    text = f"{points(lead)} better in training than in validation: it learns by heart."
    return Finding("overfitting", text, _stop(evidence))


def plateau(evidence: Evidence) -> Finding | None:
    """Neither validation nor training has improved for a while (`PATIENCE`, `FLATTENING`), and more is planned.

    "A while" is two epochs, three blocks of steps or a third of the run so far, whichever is longest. An improvement
    counts if it is larger than half its standard error, sqrt(p (1 - p) / images).
    """
    validations = evidence.validations
    left = evidence.run.total_steps - evidence.steps
    if evidence.run.config.patience:  # early stopping sees to it
        return None
    if not evidence.is_training or len(validations) <= PATIENCE or left < evidence.steps_per_epoch / 2:
        return None
    patience = max(PATIENCE, len(validations) // 3)
    earlier, latest = validations[:-patience], validations[-patience:]
    best = max(evaluated.accuracy for evaluated in earlier)
    error = math.sqrt(max(best * (1 - best), 1e-4) / max(evidence.run.validation_images, 1))
    if best < LEARNED or max(evaluated.accuracy for evaluated in latest) > best + error / 2:
        return None
    if min(evaluated.loss for evaluated in latest) < 0.98 * min(evaluated.loss for evaluated in earlier):
        return None
    epoch, since = evidence.steps_per_epoch, evidence.steps - latest[0].step
    before, now = evidence.losses[-since - epoch : -since], evidence.losses[-epoch:]
    if since < 3 * evidence.block_size or len(before) < epoch or now.mean() < FLATTENING * before.mean():
        return None
    return Finding("plateau", f"Validation has not improved for {patience} evaluations.", _stop(evidence))


def still_falling(evidence: Evidence) -> Finding | None:
    """A finished run whose last epoch gained `STILL_RISING` or more in validation, with a rate that was still high.

    A schedule that ends at a low rate has used what more epochs would bring.
    """
    run, validations = evidence.run, evidence.validations
    if run.status is not RunStatus.COMPLETED or len(validations) < 2 or not evidence.steps:
        return None
    one_epoch_ago = evidence.steps - evidence.steps_per_epoch if run.config.epochs > 1 else evidence.steps - 1
    earlier = [evaluated for evaluated in validations if evaluated.step <= one_epoch_ago]
    if not earlier:
        return None
    best = max(earlier, key=lambda evaluated: evaluated.accuracy)
    gain = validations[-1].accuracy - best.accuracy
    if gain < STILL_RISING or validations[-1].accuracy >= GOOD_RESULT or not _is_still_learning(evidence, earlier):
        return None
    epochs = min(run.config.epochs, int(SETTINGS["epochs"].high) - run.config.epochs)
    remedy = None
    if epochs > 0 and evidence.checkpoints and max(evidence.checkpoints) == evidence.steps:
        config = replace(evidence.settings, epochs=run.config.epochs + epochs)
        remedy = Remedy("continue", f"Continue for {epochs} epoch{'s' if epochs > 1 else ''}", config=config)
    is_whole_epoch = best.step == one_epoch_ago and run.config.epochs > 1
    when = "in the last epoch" if is_whole_epoch else f"since step {format_count(best.step)}"
    return Finding("falling", f"Still improving at the end, by {points(gain)} {when}.", remedy)


def _is_still_learning(evidence: Evidence, earlier: list[Evaluated]) -> bool:
    """Whether both losses fell in the last epoch, at a rate that had not fallen to almost nothing."""
    epoch = min(evidence.steps_per_epoch, evidence.steps // 2)
    training = evidence.losses[-epoch:].mean() < STILL_LEARNING * evidence.losses[-2 * epoch : -epoch].mean()
    validation = evidence.validations[-1].loss < STILL_FALLING * min(evaluated.loss for evaluated in earlier)
    return bool(training and validation and evidence.rates[-1] >= 0.2 * evidence.rates.max())


def _stop(evidence: Evidence) -> Remedy | None:
    return Remedy("stop", "Stop here") if evidence.is_training else None
