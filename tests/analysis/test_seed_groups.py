"""Runs that differ only in their seeds, and the summary of their metrics."""

from dataclasses import replace

import pytest

from mnist_core.analysis.seed_groups import group_by_seed
from mnist_core.config import TrainConfig
from mnist_core.records import Intervention
from mnist_core.store import RunStore
from tests.support.factories import finished_run, seed_runs

SLOW, FAST = 0.01, 0.1


def test_runs_that_differ_only_in_seed_are_one_group(store: RunStore) -> None:
    seed_runs(store, FAST, [950, 952])
    alone = finished_run(store, dataset="KMNIST")
    group, single = group_by_seed(reversed(store.queries.list_runs()))
    assert ([run.id for run in group.runs], group.name) == ([1, 2], "run-1 and 1 more seed")
    accuracy = group.metrics["test_accuracy"]
    assert accuracy.count == 2
    assert accuracy.mean == pytest.approx(0.951)
    assert accuracy.sd == pytest.approx(0.002 / 2**0.5)
    assert accuracy.low == pytest.approx(0.951 - 12.7062 * 0.001, abs=1e-6)  # t of one degree of freedom
    assert (single.runs, single.metrics["test_accuracy"].low) == ((alone,), None)


def test_a_seed_that_was_trained_twice_counts_once(store: RunStore) -> None:
    """A rerun repeats the first result exactly, so counting it would narrow the interval."""
    seed_runs(store, FAST, [950, 952])
    before = group_by_seed(store.queries.list_runs())[0]
    seed_runs(store, FAST, [950])
    (group,) = group_by_seed(store.queries.list_runs())
    assert len(group.runs) == 3
    assert (group.metrics, group.name) == (before.metrics, before.name)


def test_runs_that_were_steered_differently_are_separate_groups(store: RunStore) -> None:
    run = finished_run(store)
    steered = replace(
        run, id=2, interventions=(Intervention(3, "lr", 0.01, 0.1, run.created_at, "page"),), config=TrainConfig(seed=2)
    )
    assert len(group_by_seed([run, steered])) == 2
    again = replace(steered, id=3, config=TrainConfig(seed=3))
    assert len(group_by_seed([run, steered, again])) == 2
