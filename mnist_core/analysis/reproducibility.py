"""Check whether a repeated run equals the original to the last bit, and if not, what may have caused the difference."""

from __future__ import annotations

import numpy as np

from mnist_core.records import Provenance, Run
from mnist_core.store.queries import Queries

COMPARED_COLUMNS = ("epoch", "loss", "accuracy", "lr", "momentum")
"""Columns of a step that must be equal: all but its times."""

PROVENANCE_LABELS = {
    "commit": "commit",
    "is_dirty": "uncommitted changes",
    "python": "Python",
    "packages": "packages",
    "platform": "system",
    "processor": "processor",
    "device": "device",
    "precision": "precision",
    "threads": "threads",
    "dataset": "dataset",
    "dataset_checksum": "images and labels",
}
"""Label of each field of `Provenance` that can change the result of the same training."""


def first_difference(queries: Queries, original: Run, rerun: Run) -> int | None:
    """Return the first step (1-based) at which metrics or predictions of two runs differ in any bit; None if none does.

    A run that has fewer steps differs at the first step that it lacks.
    """
    before, after = queries.read_steps(original.id), queries.read_steps(rerun.id)
    count = min(len(before), len(after))
    is_different = np.zeros(count, bool)
    for name in COMPARED_COLUMNS:
        is_different |= ~np.isclose(before[name][:count], after[name][:count], rtol=0, atol=0, equal_nan=True)
    steps = []
    if is_different.any():
        steps.append(int(is_different.argmax()) + 1)
    elif len(before) != len(after):
        steps.append(count + 1)
    predictions_before, predictions_after = _predictions(queries, original), _predictions(queries, rerun)
    for step, split in predictions_before.keys() & predictions_after:
        if predictions_before[step, split] != predictions_after[step, split]:
            steps.append(step)
    return min(steps, default=None)


def _predictions(queries: Queries, run: Run) -> dict[tuple[int, str], bytes]:
    """Return the predicted labels of each evaluation, as bytes, by step and split."""
    return {
        (evaluation.step, evaluation.split): evaluation.predictions.tobytes()
        for evaluation in queries.list_evaluations(run.id)
    }


def describe_rerun(queries: Queries, original: Run, rerun: Run) -> tuple[bool, str]:
    """Return whether two runs are equal, and a text that says so or lists what may explain the difference."""
    step = first_difference(queries, original, rerun)
    if step is None:
        return True, f"{rerun.name} is {original.name} to the last bit: {rerun.progress.step:,} steps."
    lines = [f"{rerun.name} differs from {original.name} from step {step:,} on."]
    if original.provenance and rerun.provenance:
        lines += provenance_differences(original.provenance, rerun.provenance) or [
            "Their recorded code, packages, machine and data are the same."
        ]
    return False, "\n  ".join(lines)


def provenance_differences(before: Provenance, after: Provenance) -> list[str]:
    """Return one line for each field that differs."""
    return [
        f"{label}: {getattr(before, name)} then, {getattr(after, name)} now"
        for name, label in PROVENANCE_LABELS.items()
        if getattr(before, name) != getattr(after, name)
    ]
