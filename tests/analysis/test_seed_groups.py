"""Runs that differ only in their seeds, and the summary of their metrics."""

from dataclasses import replace

import pytest

from mnist_core.analysis.seed_groups import group_by_seed, group_names, seed_group_key
from mnist_core.config import TrainConfig
from mnist_core.records import Intervention
from mnist_core.store import RunStore
from tests.support.factories import GROUPED_RUNS, finished_run, seed_runs

SLOW, FAST = 0.01, 0.1


def test_runs_that_differ_only_in_seed_are_one_group(store: RunStore) -> None:
    seed_runs(store, FAST, [950, 952])
    alone = finished_run(store, dataset="KMNIST")
    group, single = group_by_seed(reversed(store.queries.list_runs()))
    assert [run.id for run in group.runs] == [1, 2]
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
    assert group.metrics == before.metrics


def test_runs_that_were_steered_differently_are_separate_groups(store: RunStore) -> None:
    run = finished_run(store)
    steered = replace(
        run, id=2, interventions=(Intervention(3, "lr", 0.01, 0.1, run.created_at, "page"),), config=TrainConfig(seed=2)
    )
    assert len(group_by_seed([run, steered])) == 2
    again = replace(steered, id=3, config=TrainConfig(seed=3))
    assert len(group_by_seed([run, steered, again])) == 2


def names_of(*numbers: int) -> list[str]:
    """Return the name of the group of each of these `GROUPED_RUNS`, when only they are compared."""
    runs = [run for run in GROUPED_RUNS if run.id in numbers]
    names = group_names(runs)
    return [names[seed_group_key(run)] for run in runs]


def test_groups_are_called_by_what_differs_among_them() -> None:
    assert names_of(1, 2, 3) == ["lr 0.01, 2 seeds", "lr 0.01, 2 seeds", "lr 0.1, 1 seed"]
    assert names_of(2, 3, 4) == ["lr 0.01, sgd, 1 seed", "lr 0.1, sgd, 1 seed", "lr 0.1, adam, 1 seed"]


def test_one_group_is_called_by_its_oldest_run() -> None:
    assert names_of(1, 2) == ["run-1, 2 seeds", "run-1, 2 seeds"]


def test_runs_of_a_single_seed_do_not_lengthen_the_names_of_groups() -> None:
    lr, both = "lr 0.1, 2 seeds", "lr 0.1, adam, 1 seed"
    assert names_of(1, 2, 3, 9, 4) == ["lr 0.01, 2 seeds", "lr 0.01, 2 seeds", lr, both, lr]


def test_groups_of_equal_settings_are_called_by_dataset_start_and_changes() -> None:
    assert names_of(1, 5) == ["MNIST, 1 seed", "KMNIST, 1 seed"]
    assert names_of(1, 6) == ["from new weights, 1 seed", "from run-1 at step 50, 1 seed"]
    assert names_of(2, 6) == ["from new weights, 1 seed", "from run 1 at step 50, 1 seed"]
    assert names_of(1, 7) == ["no changes, 1 seed", "lr 0.5 after step 10, batch 32 after step 20, 1 more, 1 seed"]


def test_groups_whose_names_would_be_equal_are_told_apart_by_their_oldest_runs() -> None:
    same = "lr 0.5 after step 10, batch 32 after step 20, 1 more, 1 seed"
    assert names_of(1, 7, 8) == ["no changes, 1 seed", f"{same} (run-7)", f"{same} (run-8)"]
