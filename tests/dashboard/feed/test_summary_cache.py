"""The compressed list of all runs that the table fetches."""

from __future__ import annotations

import gzip
import math
from typing import Any

import pytest

from mnist_core.config import TrainConfig
from mnist_core.records import encode_json
from mnist_core.store import RunStore, queries
from mnist_dashboard.feed.summaries.listed_run import list_run
from mnist_dashboard.feed.summaries.packed_curve import pack_curve
from mnist_dashboard.feed.summaries.run_summary import summarize_run
from mnist_dashboard.feed.summaries.summary_cache import SummaryCache
from tests.support.factories import finished_run
from tests.support.web.feed_reader import listed_runs


def listed(runs: SummaryCache) -> dict[int, dict[str, Any]]:
    return listed_runs(runs.compress()[1])


def test_the_list_without_runs_is_empty() -> None:
    assert listed(SummaryCache()) == {}


def test_the_list_follows_changes_of_runs(store: RunStore) -> None:
    first, second = store.commands.create_run(TrainConfig(lr=0.02)), store.commands.create_run(TrainConfig())
    runs = SummaryCache()
    for run in (first, second):
        runs.update(run)
    assert listed(runs)[first.id]["settings"]["lr"] == 0.02
    renamed = store.commands.edit_run(first.id, name="<b>=1+1</b>", tags=["mine"], starred=True)
    runs.update(renamed)
    assert listed(runs)[first.id]["name"] == "<b>=1+1</b>"
    assert listed(runs)[first.id]["tags"] == ["mine"]
    store.commands.delete_runs([second.id])
    runs.update(store.queries.get_run(second.id))
    assert list(listed(runs)) == [first.id]


def test_the_list_is_compressed_once_until_a_run_changes(store: RunStore) -> None:
    runs = SummaryCache()
    runs.update(store.commands.create_run(TrainConfig()))
    tag, packed = runs.compress()
    assert runs.compress()[1] is packed
    runs.update(store.commands.create_run(TrainConfig()))
    assert runs.compress()[0] != tag


def test_runs_that_differ_only_in_seed_share_a_group(store: RunStore) -> None:
    groups = [
        summarize_run(store.commands.create_run(config))["seed_group"]
        for config in (TrainConfig(seed=1), TrainConfig(seed=2), TrainConfig(seed=1, lr=0.02))
    ]
    assert groups[0] == groups[1] != groups[2]


def test_long_notes_do_not_make_the_list_long(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig())
    assert len(summarize_run(store.commands.edit_run(run.id, notes="x" * 10_000))["notes"]) < 500


def test_an_older_reading_of_a_run_does_not_replace_a_newer_one(store: RunStore) -> None:
    run = store.commands.create_run(TrainConfig(), "before")
    runs = SummaryCache()
    runs.update(store.commands.edit_run(run.id, name="after"))
    runs.update(run)
    assert listed(runs)[run.id]["name"] == "after"
    store.commands.delete_runs([run.id])
    runs.update(store.queries.get_run(run.id))
    runs.update(run)
    assert listed(runs) == {}


def test_the_list_of_many_runs_is_filled_batch_by_batch(store: RunStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "READ_BATCH", 2)
    created = [store.commands.create_run(TrainConfig()).id for _ in range(5)]
    store.commands.delete_runs(created[:1])
    runs = SummaryCache()
    runs.fill(store.queries.read_runs(), store.queries.list_unfinished_runs)
    assert sorted(listed(runs)) == created[1:]
    assert listed(runs)[created[2]]["queue_position"] == 2


def test_a_row_takes_few_bytes(store: RunStore) -> None:
    runs = SummaryCache()
    runs.update(finished_run(store))
    assert len(gzip.decompress(runs.compress()[1])) < 1200  # with the names of fields and settings, which come once
    assert len(encode_json(list_run(finished_run(store)), compact=True)) < 360


def test_a_curve_is_packed_into_a_digit_a_point_between_its_lowest_and_highest_loss() -> None:
    assert pack_curve([2.0, math.nan, 0.2, 0.02]) == [2.0, 0.02, "z i0"]
    assert pack_curve([1.0, 1.0]) == [1.0, 1.0, "00"]
    assert pack_curve([math.nan, 0.0]) == [None, 0.0, "  "]
    assert pack_curve([2.0]) == []
