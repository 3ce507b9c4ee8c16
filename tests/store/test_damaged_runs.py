"""A damaged run is listed as such, with its name, and can be deleted; it never takes the others with it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_core.analysis.comparison.comparability import CompareError
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.run_table import flat_row
from mnist_core.cli.run_listing import format_runs_json, format_runs_table
from mnist_core.config import TrainConfig
from mnist_core.errors import DamagedRunError, RunStateError
from mnist_core.exports.export_worker import export
from mnist_core.records import Run, RunStatus, StepMetrics
from mnist_core.runs import lineage
from mnist_core.runs.retention import BIN_RETENTION
from mnist_core.store import RunStore
from mnist_core.store.change_feed import Cursor
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.system.processes import own_identity
from tests.support.factories import finished_run, purge_until
from tests.support.files.damage import RECORD_DAMAGE, ROW_DAMAGE, damage_row, execute
from tests.support.strict_json import parse_json

Step = Callable[..., StepMetrics]


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory, a_step: Step) -> Path:
    """A database with three finished runs, which is copied for each test."""
    folder = tmp_path_factory.mktemp("database")
    store = RunStore.open(folder)
    for name in ("a", "b", "c"):
        finished_run(store, name=name, steps=[a_step(step) for step in range(1, 6)])
    store.close()
    return folder / DATABASE_NAME


@pytest.fixture
def runs(store: RunStore) -> list[Run]:
    """Three finished runs; tests damage the second."""
    return store.queries.list_runs()


@pytest.mark.parametrize("assignment", ROW_DAMAGE.values(), ids=ROW_DAMAGE)
def test_a_damaged_row_is_listed_as_damaged_between_the_others(
    store: RunStore, places: Path, runs: list[Run], assignment: str
) -> None:
    damage_row(places / "runs", runs[1].id, assignment)
    listed = store.queries.list_runs()
    assert [run.id for run in listed] == [1, 2, 3]
    assert [bool(run.damage) for run in listed] == [False, True, False]
    assert listed[1].shown_status is RunStatus.DAMAGED
    assert "Delete the run, or restore a backup" in listed[1].damage
    assert listed[1].name == ("run-2" if assignment.startswith("name") else "b")
    assert store.queries.get_run(2).damage == listed[1].damage
    assert [run.id for run in store.queries.read_changes(Cursor()).runs if run.damage] == [2]
    assert [run.id for run in store.queries.list_sound_runs()] == [1, 3]


@pytest.mark.parametrize("assignment", ROW_DAMAGE.values(), ids=ROW_DAMAGE)
def test_a_damaged_run_shows_in_tables_without_settings(
    store: RunStore, places: Path, runs: list[Run], assignment: str, tmp_path: Path
) -> None:
    damage_row(places / "runs", runs[1].id, assignment)
    listed = store.queries.list_runs()
    assert flat_row(listed[1])["status"] == "damaged"
    assert flat_row(listed[1])["lr"] is None
    (shown,) = [run for run in parse_json(format_runs_json(listed)) if run["status"] == "damaged"]
    assert (shown["config"], shown["reason"]) == (None, listed[1].damage)
    assert "damaged" in format_runs_table(listed).splitlines()[2]
    export(store.queries, listed, "csv", tmp_path / "t.csv")
    export(store.queries, listed, "parquet", tmp_path / "t.parquet")


@pytest.mark.parametrize("assignment", ROW_DAMAGE.values(), ids=ROW_DAMAGE)
def test_a_damaged_run_can_be_deleted_for_good(store: RunStore, places: Path, runs: list[Run], assignment: str) -> None:
    damage_row(places / "runs", runs[1].id, assignment)
    store.commands.delete_runs([2])
    assert [run.id for run in store.queries.list_runs()] == [1, 3]
    (deleted,) = store.queries.list_deleted_runs()
    assert deleted.deleted_at is not None
    assert purge_until(store, deleted.deleted_at + 2 * BIN_RETENTION) == [2]
    assert store.queries.list_deleted_runs() == []


@pytest.mark.parametrize("statement", RECORD_DAMAGE.values(), ids=RECORD_DAMAGE)
def test_damaged_records_make_their_run_damaged_once_they_are_read(
    store: RunStore, places: Path, runs: list[Run], statement: str
) -> None:
    execute(places / "runs", statement, runs[1].id)
    with pytest.raises(DamagedRunError, match=r"^b: Its (steps|evaluations) cannot be read"):
        store.queries.read_steps(2), store.queries.list_evaluations(2)
    assert [bool(run.damage) for run in store.queries.list_runs()] == [False, True, False]
    changes = store.queries.read_changes(Cursor())
    assert {steps.run_id for steps in changes.steps if steps.run_id != 2} == {1, 3}
    assert {evaluation.run_id for evaluation in changes.evaluations if evaluation.run_id != 2} == {1, 3}


@pytest.mark.parametrize("statement", RECORD_DAMAGE.values(), ids=RECORD_DAMAGE)
def test_an_export_names_the_damaged_run_and_writes_the_others(
    store: RunStore, places: Path, runs: list[Run], statement: str, tmp_path: Path
) -> None:
    execute(places / "runs", statement, runs[1].id)
    for name in ("curves-csv", "curves-parquet", "report", "archive"):
        with pytest.raises(DamagedRunError, match=r"^b\b"):
            export(store.queries, store.queries.list_runs(), name, tmp_path / name)
        export(store.queries, store.queries.list_sound_runs(), name, tmp_path / name)


def test_a_damaged_run_is_not_compared(store: RunStore, places: Path, runs: list[Run]) -> None:
    damage_row(places / "runs", runs[1].id, "config = '{'")
    with pytest.raises(CompareError, match="b is damaged"):
        compare_runs(store.queries, [1], [2])


def test_a_damaged_run_is_not_continued_repeated_or_resumed(store: RunStore, places: Path, runs: list[Run]) -> None:
    damage_row(places / "runs", runs[1].id, "tags = '{'")
    with pytest.raises(RunStateError, match="b is damaged"):
        lineage.repeat(store, store.queries.get_run(2))
    execute(places / "runs", "UPDATE runs SET status = 'interrupted' WHERE id = ?", 2)
    with pytest.raises(RunStateError, match="b is damaged"):
        store.commands.requeue_run(2)


def test_a_damaged_run_does_not_block_the_queue(store: RunStore, places: Path) -> None:
    first, second = (store.commands.create_run(TrainConfig()) for _ in range(2))
    damage_row(places / "runs", first.id, "config = '{'")
    assert store.trainer_writes.claim_run(first.id, own_identity(), 1) is None
    assert [run.id for run in store.queries.list_queued_runs()] == [second.id]
    assert "settings cannot be read" in store.queries.get_run(first.id).damage
    assert store.trainer_writes.claim_run(second.id, own_identity(), 1) is not None
