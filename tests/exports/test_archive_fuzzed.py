"""An archive with any of its values changed is refused whole, or gives a run that everything can list and draw.

`MNIST_FUZZ_CASES` sets how many archives are tried; the long test tries more than the short one.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.run_table import flat_row
from mnist_core.analysis.seed_groups import group_by_seed
from mnist_core.cli.run_listing import format_runs_json, format_runs_table
from mnist_core.errors import ImportRefusedError, MnistError
from mnist_core.exports import archive
from mnist_core.exports.export_worker import export
from mnist_core.exports.train_command import train_command
from mnist_core.records import Run, encode_json
from mnist_core.store import RunStore
from mnist_dashboard.details import fact_tables
from mnist_dashboard.feed.cached_run import CachedRun
from mnist_dashboard.feed.summaries.run_summary import summarize_run
from tests.support.factories import finished_run
from tests.support.files.archives import changed

SHORT_CASES, LONG_CASES = 80, int(os.environ.get("MNIST_FUZZ_CASES", "600"))

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([0, -1, -2, 1, 2, 10, 64, 270, 271, 2**31, 2**63, 10**30])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0.5, 1e-300, 1e300, 0.0001, 1.0])
    | st.text(max_size=20)
    | st.sampled_from(
        ["", "Infinity", "NaN", "\u0000", "\u202e", "<script>", "=1+1", "test", "completed", "lr", "auto"]
    ),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(max_size=8), values, max_size=4),
    max_leaves=8,
)


@st.composite
def mutated_members(draw: st.DrawFn, whole: dict[str, bytes]) -> dict[str, bytes]:
    """Return the members of an archive with up to three values, or binary members, changed; most often one."""
    members = dict(whole)
    for _ in range(draw(st.sampled_from([1, 1, 2, 3]))):
        name = draw(st.sampled_from(["0/run.json"] * 8 + sorted(members)))
        if name.endswith(".json"):
            members[name] = json.dumps(_mutate(draw, json.loads(members[name]))).encode()
        else:
            members[name] = _mutate_bytes(draw, members[name])
    return members


def _mutate(draw: st.DrawFn, value: Any) -> Any:
    """Replace one value anywhere below `value`, remove it, or take its place."""
    if not isinstance(value, dict | list) and draw(st.integers(0, 3)):
        return draw(_similar_values(value))
    if not isinstance(value, dict | list) or not value or draw(st.integers(0, 19)) == 0:
        return draw(VALUES)
    keys = sorted(value) if isinstance(value, dict) else range(len(value))
    key = draw(st.sampled_from(keys))
    if draw(st.integers(0, 19)) == 0:
        del value[key]
    else:
        value[key] = _mutate(draw, value[key])
    return value


def _similar_values(value: Any) -> st.SearchStrategy[Any]:
    """Return values of the same type, which an import may well accept."""
    match value:
        case bool() | None:
            return st.sampled_from([True, False, None, 0.25])
        case int():
            return st.sampled_from([value + 1, value - 1, 2 * value, value // 2, 0, 1])
        case float():
            return st.floats(0, 1) | st.sampled_from([2 * value, value / 2, value + 1e-9, "Infinity", "-Infinity"])
    return st.text(max_size=20)


def _mutate_bytes(draw: st.DrawFn, content: bytes) -> bytes:
    """Overwrite some bytes, or cut the content off."""
    if draw(st.booleans()):
        start = draw(st.integers(0, max(len(content) - 1, 0)))
        patch = draw(st.binary(min_size=1, max_size=8) | st.sampled_from([b"\0" * 8, b"\xff" * 8]))
        return (content[:start] + patch + content[start + len(patch) :])[: len(content)]
    return content[: draw(st.integers(0, len(content)))]


@pytest.fixture
def whole(archive_file: Path) -> dict[str, bytes]:
    """The members of a valid archive."""
    members: dict[str, bytes] = {}
    changed(archive_file, members.update)
    return members


def use_everything(store: RunStore, run: Run, folder: Path) -> None:
    """List, draw, compare and export a run. No step may raise anything but a sentence for a person."""
    assert not run.damage
    encode_json(summarize_run(run, store.queries.list_unfinished_runs()))
    assert summarize_run(run)["status"] == run.status
    steps, evaluations = store.queries.read_steps(run.id), store.queries.list_evaluations(run.id)
    for smoothing in (0.0, 0.9):
        json.loads(CachedRun(run, steps, evaluations).history(smoothing))
    flat_row(run), format_runs_table([run]), format_runs_json([run]), train_command(run)
    fact_tables.settings(run), fact_tables.results(run), fact_tables.interventions(run)
    if run.provenance:
        fact_tables.provenance(run.provenance)
    group_by_seed(store.queries.list_runs())
    for other in store.queries.list_runs():
        if other.id != run.id:
            with contextlib.suppress(MnistError):
                compare_runs(store.queries, [other.id], [run.id])
    for name in ("csv", "parquet", "curves-csv", "curves-parquet", "report", "archive"):
        export(store.queries, [run], name, folder / name)
    (again,) = archive.import_archive(store, folder / "archive")
    assert again.config == run.config
    assert store.queries.read_steps(again.id).tobytes() == steps.tobytes()


@pytest.fixture
def fuzzed_store(other_store: RunStore) -> RunStore:
    """A store with one sound run, to compare others with."""
    finished_run(other_store, name="here")
    return other_store


def try_archive(store: RunStore, members: dict[str, bytes], archive_file: Path, folder: Path) -> bool:
    """Import an archive and use its runs. Returns whether it was imported."""
    before = store.queries.list_runs()

    def replace_all(found: dict[str, bytes]) -> None:
        found.clear()
        found.update(members)

    imported: list[Run] = []
    with contextlib.suppress(ImportRefusedError):
        imported = archive.import_archive(store, changed(archive_file, replace_all))
    if not imported:
        assert store.queries.list_runs() == before
        return False
    try:
        for run in imported:
            use_everything(store, run, folder)
    finally:
        added = [run.id for run in store.queries.list_runs() if run.id > before[-1].id]
        store.commands.delete_runs(added)
        store.commands.purge_runs(added)
    return True


@pytest.mark.parametrize(
    "cases", [SHORT_CASES, pytest.param(LONG_CASES, marks=pytest.mark.fault)], ids=["short", "long"]
)
def test_a_changed_archive_is_refused_or_usable(
    fuzzed_store: RunStore, whole: dict[str, bytes], archive_file: Path, tmp_path: Path, cases: int
) -> None:
    outcomes: Counter[bool] = Counter()

    @settings(
        max_examples=cases, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
    )
    @given(members=mutated_members(whole))
    def check(members: dict[str, bytes]) -> None:
        outcomes[try_archive(fuzzed_store, members, archive_file, tmp_path)] += 1

    check()
    print(f"{outcomes[True]} archives were imported, {outcomes[False]} were refused.")
    assert outcomes[True] > cases / 20, "archives that are all refused test little"
