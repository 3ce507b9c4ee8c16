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
        lines += [
            f"{label}: {before} then, {now} now"
            for label, before, now in provenance_differences(original.provenance, rerun.provenance)
        ] or ["Their recorded code, packages, machine and data are the same."]
    return False, "\n  ".join(lines)


def describe_repeat(queries: Queries, a: Run, b: Run) -> tuple[bool, str]:
    """Return whether two runs with the same settings and seed are identical, and a sentence that says so or why not."""
    same = f"{a.name} and {b.name} have the same settings and the same seed"
    step = first_difference(queries, a, b)
    shorter = min(a, b, key=lambda run: run.progress.step)
    if step is None:
        return True, f"Identical: {same}, and their results are the same to the last bit."
    if a.progress.step != b.progress.step and step == shorter.progress.step + 1:
        return False, f"{same}. Their results are the same up to step {step - 1:,}, where {shorter.name} ended."
    return False, f"{same}, but their results differ from step {step:,} on. {_explain(a.provenance, b.provenance)}"


def _explain(a: Provenance | None, b: Provenance | None) -> str:
    """Say what may be the cause of different results."""
    if a is None or b is None:
        return "Another device, number of threads or version can be the cause: one of them has no record of its own."
    causes = [f"{label} ({before} and {after})" for label, before, after in provenance_differences(a, b)]
    if not causes:
        return (
            "No cause is known: the same code, packages, machine, device and number of threads are recorded for both."
        )
    return f"What differs, and can be the cause: {', '.join(causes)}."


def provenance_differences(before: Provenance, after: Provenance) -> list[tuple[str, object, object]]:
    """Return label and both values of each field that differs; of the packages, only those that differ."""
    differences: list[tuple[str, object, object]] = []
    for name, label in PROVENANCE_LABELS.items():
        values = getattr(before, name), getattr(after, name)
        if name == "packages":
            versions = [
                (package, *(value.get(package, "missing") for value in values))
                for package in {**values[0], **values[1]}
            ]
            differences += [entry for entry in versions if entry[1] != entry[2]]
        elif values[0] != values[1]:
            differences.append((label, *values))
    return differences
