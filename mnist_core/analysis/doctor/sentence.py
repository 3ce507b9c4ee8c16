"""The one sentence of a run: what went wrong, else what the doctor found, else its result, else how far it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mnist_core.analysis.doctor import Finding, Remedy, diagnose
from mnist_core.analysis.doctor.evidence import Evaluated, Evidence, percent
from mnist_core.formatting import format_count, within_sentence
from mnist_core.records import Run, RunStatus

Tone = Literal["result", "fault", "doctor", "progress"]

WITH_RESULT = ("falling", "overfitting", "tiny_batch")
"""Rules whose findings leave a result worth knowing, which comes first."""

GOOD_START = 0.5
"""Accuracy of a first evaluation from which a run is said to learn steadily."""

DIGITS = ("mnist", "mnist-5k")
"""Datasets whose images are digits: sentences call them digits, and their classes by number."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """What a page says about a run in its one slot."""

    text: str
    tone: Tone
    remedy: Remedy | None = None
    cell: tuple[int, int] | None = None
    """True and predicted digit of the commonest mistake, if the sentence names it."""
    rule: str = ""
    """The doctor's rule that it comes from, if one does."""

    def to_json(self) -> dict[str, Any]:
        """Return what the browser gets; a remedy is only named there."""
        remedy = {"id": self.remedy.id, "label": self.remedy.label} if self.remedy else None
        return {"text": self.text, "tone": self.tone, "remedy": remedy, "cell": list(self.cell) if self.cell else None}


def describe_run(evidence: Evidence, after: str | None = None) -> Sentence | None:
    """Return the sentence of a run; None if there is nothing to say. `after` is the run that a queued one waits for."""
    if told := _from_row(evidence.run, after):
        return told
    if finding := diagnose(evidence):
        return _with_finding(evidence, finding)
    return _progress(evidence) if evidence.is_training else _result(evidence)


def _from_row(run: Run, after: str | None) -> Sentence | None:
    """The sentence of a run in whose state the curves do not matter."""
    if run.damage:
        return Sentence(run.damage, "fault")
    if run.status is RunStatus.FAILED:
        return Sentence(run.reason or "Failed; no reason was recorded.", "fault")
    if run.status is RunStatus.INTERRUPTED:
        return Sentence(run.reason or "Its process ended before the run did.", "fault")  # every page offers to resume
    progress = {
        RunStatus.QUEUED: f"Waiting for {after} to finish." if after else "Starts next.",
        RunStatus.PREPARING: run.notice or "Loading the dataset.",
        RunStatus.STOPPING: "Stopping after the current batch.",
    }
    return Sentence(progress[run.status], "progress") if run.status in progress else None


def _with_finding(evidence: Evidence, finding: Finding) -> Sentence:
    if evidence.run.status is RunStatus.DIVERGED:
        return Sentence(finding.text, "fault", finding.remedy, rule=finding.rule)
    if finding.rule in WITH_RESULT and evidence.has_ended and (evaluated := _final(evidence)):
        detail = within_sentence(finding.text)
        return Sentence(f"{_right(evidence, evaluated)}; {detail}", "doctor", finding.remedy, rule=finding.rule)
    return Sentence(finding.text, "doctor", finding.remedy, rule=finding.rule)


def _final(evidence: Evidence) -> Evaluated | None:
    return evidence.test or (evidence.validations[-1] if evidence.validations else None)


def _right(evidence: Evidence, evaluated: Evaluated) -> str:
    """Say how many images were right: `98.31 % of 10 000 unseen digits right`."""
    things = "digits" if evidence.run.dataset.lower() in DIGITS else "images"
    if evaluated.split == "validation":
        return f"{percent(evaluated.accuracy)} of the validation images right"
    return f"{percent(evaluated.accuracy)} of {format_count(evidence.run.test_images)} unseen {things} right"


def _result(evidence: Evidence) -> Sentence | None:
    """The result of an ended run with nothing to complain about."""
    run, test = evidence.run, evidence.test
    if test is None:
        return _untested(evidence)
    text = f"{_right(evidence, test)}."
    if run.status is RunStatus.COMPLETED and run.reason:  # of early stopping; there is no room for more
        return Sentence(f"{text} {run.reason}", "result")
    cell = hardest_cell(test)
    if cell:
        true, predicted = cell
        text += f" Hardest: {true} read as {predicted} ({format_count(test.confusion[true][predicted])})."
    if run.unverified:
        text += " Imported, and not checked here."
    elif run.status is RunStatus.STOPPED:
        text += f" Stopped at step {format_count(run.progress.step)} of {format_count(run.total_steps)}."
    return Sentence(text, "result", cell=cell)


def _untested(evidence: Evidence) -> Sentence | None:
    """A run that ended without a test: as its settings ask, stopped, or taken off the queue."""
    run = evidence.run
    if run.status is RunStatus.COMPLETED:
        if not (run.config.skip_test and evidence.validations):
            return None
        right = _right(evidence, _of_final_weights(evidence))
        return Sentence(f"{right}. Not tested, as its settings ask. {run.reason}".rstrip(), "result")
    if not run.progress.step:
        return Sentence("Stopped before the first batch." if run.started_at else "Removed from the queue.", "progress")
    where = f"step {format_count(run.progress.step)} of {format_count(run.total_steps)}"
    remedy = None
    if evidence.checkpoints and max(evidence.checkpoints) < run.total_steps:
        remedy = Remedy("finish", "Continue to the planned end", config=evidence.settings)
    if not evidence.validations:
        return Sentence(f"Stopped at {where}, before the first evaluation.", "result", remedy)
    return Sentence(
        f"{_right(evidence, evidence.validations[-1])}. Not tested yet: stopped at {where}.", "result", remedy
    )


def _of_final_weights(evidence: Evidence) -> Evaluated:
    """The validation of the weights that an untested run ended with, which early stopping may have gone back to."""
    at_end = [evaluated for evaluated in evidence.validations if evaluated.step in evidence.checkpoints[-1:]]
    return at_end[0] if at_end else evidence.validations[-1]


def _progress(evidence: Evidence) -> Sentence:
    """How far a healthy run in progress is. It changes at evaluations only."""
    run = evidence.run
    paused = f"Paused at step {format_count(run.progress.step)}" if run.status is RunStatus.PAUSED else ""
    evaluations = evidence.validations or evidence.of_split("test")
    if evaluations:
        right = _right(evidence, evaluations[-1]) + _lead(evidence, evaluations[-1])
        return Sentence(f"{paused}: {right}." if paused else f"{_pace(evaluations)}: {right}.", "progress")
    if paused:
        return Sentence(f"{paused}, before the first evaluation.", "progress")
    step = first_evaluation(evidence)
    return Sentence(f"Training. The first evaluation comes at step {format_count(step)}.", "progress")


def _lead(evidence: Evidence, latest: Evaluated) -> str:
    """Compare with the earlier run: `, 0.56 points behind run-6 at this step`; empty without an evaluation there."""
    earlier = evidence.earlier
    place = latest.split, latest.step
    there = [other for other in earlier.evaluations if (other.split, other.step) == place] if earlier else []
    if not earlier or not there:
        return ""
    lead = round(100 * (latest.accuracy - there[-1].accuracy), 2)
    if not lead:
        return f", as many as {earlier.name} at this step"
    return f", {abs(lead):.2f} points {'ahead of' if lead > 0 else 'behind'} {earlier.name} at this step"


def _pace(evaluations: list[Evaluated]) -> str:
    """Name the trend: not `steadily` if the latest evaluation is worse than the one before, or a poor first one."""
    latest = evaluations[-1].accuracy
    is_steady = latest >= evaluations[-2].accuracy if len(evaluations) > 1 else latest >= GOOD_START
    return "Learning steadily" if is_steady else "Learning"


def first_evaluation(evidence: Evidence) -> int:
    """Return the step of the first evaluation: half an epoch with a validation split, else a whole one."""
    settings, images = evidence.settings, evidence.run.train_images
    if not evidence.run.validation_images:
        return evidence.epoch_ends[0] if evidence.epoch_ends else evidence.steps_per_epoch
    return min(math.ceil(images / 2 / settings.batch_size), evidence.steps_per_epoch)


def hardest_cell(evaluated: Evaluated) -> tuple[int, int] | None:
    """Return true and predicted digit of the commonest mistake; None without mistakes, or if none were recorded."""
    counts = np.array(evaluated.confusion)
    if counts.shape != (10, 10):
        return None
    mistakes = counts - np.diag(np.diag(counts))
    true, predicted = divmod(int(mistakes.argmax()), 10)
    return (true, predicted) if mistakes.max() > 0 else None
