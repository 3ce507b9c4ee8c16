"""Whether a run that was made again came out the same, to the last bit, and what may be why if it did not."""

from __future__ import annotations

import numpy as np

from mnist_core.records import Provenance, Run
from mnist_core.store.queries import Queries

COMPARED_COLUMNS = ("epoch", "loss", "accuracy", "lr", "momentum")
"""Everything of a step but its times."""

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
"""What can make the same training come out differently, and what each is called."""


def first_difference(queries: Queries, original: Run, again: Run) -> int | None:
    """The first step after which two runs are not the same to the last bit; None if they are."""
    then, now = queries.read_steps(original.id), queries.read_steps(again.id)
    both = min(len(then), len(now))
    differs = np.zeros(both, bool)
    for name in COMPARED_COLUMNS:
        differs |= ~np.isclose(then[name][:both], now[name][:both], rtol=0, atol=0, equal_nan=True)
    found = [int(differs.argmax()) + 1] if differs.any() else [both + 1] if len(then) != len(now) else []
    said_then, said_now = _predictions(queries, original), _predictions(queries, again)
    found += [step for step, split in said_then.keys() & said_now if said_then[step, split] != said_now[step, split]]
    return min(found, default=None)


def _predictions(queries: Queries, run: Run) -> dict[tuple[int, str], bytes]:
    return {(one.step, one.split): one.predictions.tobytes() for one in queries.list_evaluations(run.id)}


def describe_rerun(queries: Queries, original: Run, again: Run) -> tuple[bool, str]:
    """Whether they are the same, and a sentence or more on it."""
    step = first_difference(queries, original, again)
    if step is None:
        return True, f"{again.name} is {original.name} to the last bit: {again.progress.step:,} steps."
    lines = [f"{again.name} differs from {original.name} from step {step:,} on."]
    if original.provenance and again.provenance:
        lines += provenance_differences(original.provenance, again.provenance) or [
            "Nothing that is recorded of both differs."
        ]
    return False, "\n  ".join(lines)


def provenance_differences(then: Provenance, now: Provenance) -> list[str]:
    """What is not as it was, a line each."""
    return [
        f"{label}: {getattr(then, name)} then, {getattr(now, name)} now"
        for name, label in PROVENANCE_LABELS.items()
        if getattr(then, name) != getattr(now, name)
    ]
