"""Which images only one of two runs gets right, and which both get wrong, in their last tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_core.analysis.comparison.comparability import load_side, shared_test_labels
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.comparison.verdict import Verdict
from mnist_core.store.queries import Queries


@dataclass(frozen=True, slots=True)
class Disagreement:
    """Numbers of test images, ascending, and the verdict that they lead to."""

    only_a: np.ndarray
    only_b: np.ndarray
    both_wrong: np.ndarray
    verdict: Verdict


def compare_predictions(queries: Queries, a_id: int, b_id: int) -> Disagreement:
    """Compare the last tests of two runs image by image.

    Raises `CompareError` unless both were tested to the end on the same images, and `DamagedRunError`.
    """
    verdict = compare_runs(queries, [a_id], [b_id])
    a, b = (load_side(queries, [run_id]) for run_id in (a_id, b_id))
    labels = shared_test_labels(queries, [*a.runs, *b.runs])
    return Disagreement(*split_by_side(a.tests[0].predictions, b.tests[0].predictions, labels), verdict)


def split_by_side(a: np.ndarray, b: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the numbers of the images that only `a` gets right, that only `b` does, and that both get wrong.

    The arguments are uint8 (N,).
    """
    a_right, b_right = a == labels, b == labels
    sides = (a_right & ~b_right, b_right & ~a_right, ~a_right & ~b_right)
    only_a, only_b, both_wrong = map(np.flatnonzero, sides)
    return only_a, only_b, both_wrong
