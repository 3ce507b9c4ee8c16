"""What cannot be compared, and what is compared with a warning."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.config import TrainConfig
from mnist_core.records import RunStatus, StepMetrics
from mnist_core.store import RunStore
from tests.support.factories import PROVENANCE, finished_run, seed_runs

SLOW, FAST = 0.01, 0.1


def test_runs_of_different_datasets_are_refused(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, dataset="Fashion-MNIST")
    with pytest.raises(CompareError, match=r"run-1 learned MNIST and run-2 Fashion-MNIST: .* Choose runs of one"):
        compare_runs(store.queries, [a.id], [b.id])


def test_runs_of_different_test_sets_are_refused(store: RunStore) -> None:
    a = finished_run(store)
    b = finished_run(store, provenance=replace(PROVENANCE, test_checksum="f" * 64))
    with pytest.raises(CompareError, match="were tested on different images, although both sets are called MNIST"):
        compare_runs(store.queries, [a.id], [b.id])


def test_runs_without_a_record_of_their_test_set_are_refused(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, provenance=None)
    for pair in ([a.id], [b.id]), ([b.id], [a.id]):
        with pytest.raises(CompareError, match="run-2 was recorded before runs kept which images"):
            compare_runs(store.queries, *pair)


def test_a_run_that_has_not_ended_is_refused(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, status=RunStatus.INTERRUPTED)
    with pytest.raises(CompareError, match=re.escape("run-2 is interrupted and has no final test result.")):
        compare_runs(store.queries, [a.id], [b.id])


def test_invalid_groups_are_refused(store: RunStore) -> None:
    a, b = seed_runs(store, FAST, [950, 951]), seed_runs(store, SLOW, [940])
    with pytest.raises(CompareError, match="differ in more than their seed"):
        compare_runs(store.queries, [a[0], b[0]], [a[1]])
    with pytest.raises(CompareError, match=r"run-3 is one run and “lr 0.1, 2 seeds” several"):
        compare_runs(store.queries, a, b)
    with pytest.raises(CompareError, match="cannot be compared with itself"):
        compare_runs(store.queries, a, [a[1]])
    with pytest.raises(CompareError, match="nothing to compare"):
        compare_runs(store.queries, a, [])
    twin = finished_run(store, TrainConfig(lr=SLOW))
    with pytest.raises(CompareError, match="have the same seed"):
        compare_runs(store.queries, a, [b[0], twin.id])


def test_a_repeat_with_the_same_results_is_identical(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store)
    verdict = compare_runs(store.queries, [a.id], [b.id])
    assert verdict.sentence == (
        "Identical: run-1 and run-2 have the same settings and the same seed, and their results are the same to the "
        "last bit."
    )
    assert verdict.is_identical
    assert (verdict.winner, verdict.p_value, verdict.warnings) == ("", None, ())


def test_a_repeat_with_other_results_says_what_can_be_the_cause(store: RunStore) -> None:
    changed = replace(PROVENANCE, threads=2, packages={"torch": "2.15.0"})
    a, b = finished_run(store), finished_run(store, provenance=changed, right=range(910))
    verdict = compare_runs(store.queries, [a.id], [b.id])
    assert verdict.sentence.startswith(
        "run-1 and run-2 have the same settings and the same seed, but their results differ from step 5 on. What "
        "differs, and can be the cause: torch (2.14.1 and 2.15.0), threads (1 and 2). "
    )
    assert not verdict.is_identical
    assert verdict.p_value is not None


def test_a_repeat_with_other_results_and_no_known_cause_says_so(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, right=range(910))
    assert "No cause is known: the same code" in compare_runs(store.queries, [a.id], [b.id]).sentence


def test_a_repeat_that_ended_earlier_is_the_same_up_to_there(
    store: RunStore, a_step: Callable[..., StepMetrics]
) -> None:
    steps = [a_step(step) for step in range(1, 11)]
    a = finished_run(store, steps=steps)
    b = finished_run(store, steps=steps[:8], status=RunStatus.STOPPED)
    sentence = compare_runs(store.queries, [a.id], [b.id]).sentence
    assert "Their results are the same up to step 8, where run-2 ended." in sentence


def test_a_run_that_was_stopped_early_is_compared_with_a_warning(store: RunStore) -> None:
    a, b = finished_run(store), finished_run(store, TrainConfig(lr=FAST), status=RunStatus.STOPPED)
    assert "run-2 did not train to the end." in compare_runs(store.queries, [a.id], [b.id]).warnings
