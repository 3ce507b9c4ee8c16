"""The compressed list of all runs that the table fetches."""

from __future__ import annotations

import gzip
from typing import Any

from mnist_core.config import TrainConfig
from mnist_core.store import RunStore
from mnist_dashboard.feed.run_summary import summarize_run
from mnist_dashboard.feed.summary_cache import SummaryCache
from tests.support.strict_json import parse_json


def listed(runs: SummaryCache) -> dict[int, dict[str, Any]]:
    return {run["id"]: run for run in parse_json(gzip.decompress(runs.compress()[1]))["runs"]}


def test_the_list_without_runs_is_empty() -> None:
    assert listed(SummaryCache()) == {}


def test_the_list_follows_changes_of_runs(store: RunStore) -> None:
    first, second = store.commands.create_run(TrainConfig(lr=0.02)), store.commands.create_run(TrainConfig())
    runs = SummaryCache()
    for run in (first, second):
        runs.update(summarize_run(run))
    assert listed(runs)[first.id]["settings"]["lr"] == 0.02
    renamed = store.commands.edit_run(first.id, name="<b>=1+1</b>", tags=["mine"], starred=True)
    runs.update(summarize_run(renamed))
    assert listed(runs)[first.id]["name"] == "<b>=1+1</b>"
    assert listed(runs)[first.id]["tags"] == ["mine"]
    store.commands.delete_runs([second.id])
    runs.update(summarize_run(store.queries.get_run(second.id)))
    assert list(listed(runs)) == [first.id]


def test_the_list_is_compressed_once_until_a_run_changes(store: RunStore) -> None:
    runs = SummaryCache()
    runs.update(summarize_run(store.commands.create_run(TrainConfig())))
    tag, packed = runs.compress()
    assert runs.compress()[1] is packed
    runs.update(summarize_run(store.commands.create_run(TrainConfig())))
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
