"""Runs kept in memory follow the store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mnist_core.analysis.seed_groups import seed_group_key
from mnist_core.config import TrainConfig
from mnist_core.records import Run
from mnist_core.store import RunStore, queries
from mnist_dashboard.feed.all_runs import AllRuns
from tests.support.factories import finished_run


def names(runs: list[Run]) -> list[str]:
    return [run.name for run in runs]


def test_runs_are_read_once_and_then_only_what_changed(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "READ_BATCH", 2)
    for name in ("a", "b", "c"):
        finished_run(store, name=name)
    runs = AllRuns(store.queries)
    assert names(runs.list_sound_runs()) == ["a", "b", "c"]
    read: list[str] = []
    read_runs = store.queries.read_runs

    def spy(after_revision: int = 0) -> Iterator[list[Run]]:
        for batch in read_runs(after_revision):
            read.extend(names(batch))
            yield batch

    monkeypatch.setattr(store.queries, "read_runs", spy)
    runs.list_sound_runs()
    assert read == []
    store.commands.edit_run(1, name="renamed")
    store.commands.delete_runs([2])
    store.commands.create_run(TrainConfig(), "d")
    assert names(runs.list_sound_runs()) == ["renamed", "c", "d"]
    assert sorted(read) == ["b", "d", "renamed"]


def test_what_views_compare_is_kept(store: RunStore) -> None:
    run = finished_run(store)
    (kept,) = AllRuns(store.queries).list_sound_runs()
    assert (kept.config, kept.results, kept.dataset) == (run.config, run.results, run.dataset)
    assert seed_group_key(kept) == seed_group_key(run)
    assert kept.provenance is None


def test_a_run_whose_records_are_damaged_is_left_out_once_that_is_known(store: RunStore) -> None:
    run = finished_run(store)
    runs = AllRuns(store.queries)
    assert len(runs.list_sound_runs()) == 1
    store.queries._damage[run.id] = "Its steps cannot be read."
    assert runs.list_sound_runs() == []
