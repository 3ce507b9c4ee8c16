"""Databases as earlier versions of the program wrote them: each is brought up to date and keeps everything.

`fixtures/schema-N.sql` is the dump of a database that the program itself wrote when its newest schema was N.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.errors import StoreError
from mnist_core.records import (
    Adjustment,
    Command,
    DrawingScore,
    FileKind,
    Intervention,
    KeptDrawing,
    LayerNorms,
    NetworkSource,
    ProcessIdentity,
    RunFile,
    RunStatus,
)
from mnist_core.scheduler.recovery import LEASE_SECONDS
from mnist_core.store import RunStore
from mnist_core.store.database.copies import newest_backup
from mnist_core.store.database.migrations import APPLICATION_ID, MIGRATIONS
from tests.support.files.storage import bundled_sqlite, pragma

FIXTURES = Path(__file__).parent / "fixtures"
VERSIONS = range(1, 17)
HAS_DEVICE, HAS_INTERVENTIONS, HAS_ANNOTATIONS, HAS_FILES, HAS_PLACES, HAS_QUEUE_ORDER = 2, 3, 5, 6, 7, 9
HAS_PROBABILITIES, HAS_NETWORKS_AND_NORMS, HAS_DRAWINGS, HAS_SWEEPS, HAS_RACES, HAS_SERVER_SWEEPS = (
    10,
    11,
    12,
    13,
    14,
    15,
)
"""The schema versions that introduced these fields."""

CHANGE = Intervention(2, "lr", 0.05, 0.1, datetime.fromtimestamp(1.7e9, UTC), "page")
PREDICTIONS = [1, 2, *range(2, 10), *range(10)]


@dataclass
class Upgraded:
    """A store opened on a database of an earlier version."""

    version: int
    store: RunStore
    path: Path


def write_database(folder: Path, version: int) -> Path:
    path = folder / "runs.sqlite"
    folder.mkdir(exist_ok=True)
    connection = bundled_sqlite.connect(str(path))
    connection.executescript((FIXTURES / f"schema-{version}.sql").read_text())
    connection.close()
    assert pragma(path, "user_version") == version
    return path


@pytest.fixture(params=VERSIONS)
def upgraded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Upgraded]:
    path = write_database(tmp_path, request.param)
    store = RunStore.open(tmp_path)
    yield Upgraded(request.param, store, path)
    store.close()


def test_it_has_the_newest_schema_and_is_intact(upgraded: Upgraded) -> None:
    assert pragma(upgraded.path, "user_version") == len(MIGRATIONS)
    assert pragma(upgraded.path, "application_id") == APPLICATION_ID
    assert pragma(upgraded.path, "integrity_check") == "ok"
    assert [path.name for path in upgraded.path.parent.glob("*set-aside*")] == []


def test_every_run_keeps_its_name_and_status(upgraded: Upgraded) -> None:
    expected = [
        ("finished", "completed"),
        ("diverged", "diverged"),
        ("interrupted", "interrupted"),
        ("run-4", "queued"),
    ]
    if upgraded.version >= HAS_INTERVENTIONS:
        expected += [("repeat", "queued"), ("continued", "queued"), ("running", "running")]
    assert [(run.name, run.status) for run in upgraded.store.queries.list_runs()] == expected
    binned = ["binned"] if upgraded.version >= HAS_ANNOTATIONS else []
    assert [run.name for run in upgraded.store.queries.list_deleted_runs()] == binned


def test_a_finished_run_keeps_its_settings_numbers_and_results(upgraded: Upgraded) -> None:
    run = upgraded.store.queries.get_run(1)
    assert run.config == TrainConfig(lr=0.05, momentum=0.9, batch_size=32, epochs=2, seed=7, last_batch="keep")
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.created_at <= run.started_at <= run.finished_at
    assert (run.dataset, run.train_images, run.validation_images, run.test_images) == ("MNIST", 640, 64, 20)
    assert (run.attempt, run.total_steps, run.model_file) == (1, 40, "runs/models/run-1.pt")
    assert (run.progress.step, run.progress.epoch, run.progress.loss) == (5, 1, 0.2)
    assert run.progress.live_confusion == ((1,) * 10,) * 10
    assert (run.results.validation_accuracy, run.results.best_validation_accuracy) == (0.875, 0.875)
    assert (run.results.test_accuracy, run.results.test_loss) == (0.9, 0.3)
    assert run.trainer == ProcessIdentity(4242, 77, "some-boot")


def test_every_step_is_kept(upgraded: Upgraded) -> None:
    steps = upgraded.store.queries.read_steps(1)
    assert steps["loss"].tolist() == [1 / step for step in range(1, 6)]
    assert steps["elapsed_seconds"].tolist() == [step / 100 for step in range(1, 6)]
    assert set(steps["lr"].tolist()) == {0.05}
    assert np.isnan(upgraded.store.queries.read_steps(2)["loss"][1])
    assert len(upgraded.store.queries.read_steps(3)) == 4


def test_every_evaluation_is_kept(upgraded: Upgraded) -> None:
    validation, test = upgraded.store.queries.list_evaluations(1)
    assert (validation.split, validation.step, validation.accuracy, validation.loss) == ("validation", 5, 0.875, 0.25)
    assert (test.split, test.step, test.accuracy, test.elapsed_seconds) == ("test", 5, 0.9, 0.07)
    assert test.predictions.tolist() == PREDICTIONS
    _, test = upgraded.store.queries.list_evaluations(1, probabilities=True)
    assert (test.probabilities is not None) == (upgraded.version >= HAS_PROBABILITIES)
    if test.probabilities is not None:
        assert test.probabilities.argmax(axis=1).tolist() == PREDICTIONS
    (diverged,) = upgraded.store.queries.list_evaluations(2)
    assert np.isnan(diverged.loss)


def test_sweeps_and_their_trials_are_kept(upgraded: Upgraded) -> None:
    has_sweeps = upgraded.version >= HAS_SWEEPS
    sweeps = [(sweep.name, sweep.in_server, bool(sweep.waits_for)) for sweep in upgraded.store.sweeps.list_sweeps()]
    is_in_server = upgraded.version >= HAS_SERVER_SWEEPS
    assert sweeps == ([("rates", is_in_server, is_in_server)] if has_sweeps else [])
    trials = upgraded.store.sweeps.list_trials(1)
    expected = [(1, {"lr": 0.05}, 0.875, 2.5 if is_in_server else None)] if has_sweeps else []
    assert [(trial.number, trial.values, trial.value, trial.seconds) for trial in trials] == expected
    run = upgraded.store.queries.get_run(1)
    assert (run.sweep_id, run.trial) == ((1, 1) if has_sweeps else (None, None))


def test_lanes_of_a_race_are_kept(upgraded: Upgraded) -> None:
    lanes = [1, 2] if upgraded.version >= HAS_RACES else []
    assert [run.id for run in upgraded.store.queries.list_lanes(1)] == lanes


def test_kept_drawings_and_what_the_runs_read_on_them_are_kept(upgraded: Upgraded) -> None:
    has_drawings = upgraded.version >= HAS_DRAWINGS
    kept = [KeptDrawing(bytes(784), 4, "a four", 1)] if has_drawings else []
    assert upgraded.store.drawings.list_drawings() == kept
    assert upgraded.store.readings.scores() == ({1: DrawingScore(0, 1)} if has_drawings else {})


def test_reasons_and_notices_are_kept(upgraded: Upgraded) -> None:
    assert upgraded.store.queries.get_run(2).reason == "Loss became NaN at step 2."
    interrupted = upgraded.store.queries.get_run(3)
    assert (interrupted.reason, interrupted.notice, interrupted.dataset) == (
        "Its trainer process is gone.",
        "MNIST-5k stands in.",
        "MNIST-5k",
    )


def test_device_and_threads_are_kept_or_unknown(upgraded: Upgraded) -> None:
    run = upgraded.store.queries.get_run(1)
    assert (run.device, run.threads) == (("cpu", 2) if upgraded.version >= HAS_DEVICE else ("", 0))


@pytest.mark.parametrize(("patience", "lost"), [(4, True), (0, False)])
def test_a_run_that_stopped_early_before_that_was_recorded_is_known_by_its_steps(
    tmp_path: Path, patience: int, lost: bool
) -> None:
    path = write_database(tmp_path, HAS_SERVER_SWEEPS)
    connection = bundled_sqlite.connect(str(path))
    connection.execute("UPDATE runs SET config = json_set(config, '$.patience', ?) WHERE id = 1", (patience,))
    connection.commit()
    connection.close()
    store = RunStore.open(tmp_path)
    assert [run.id for run in store.queries.list_runs() if run.lost_patience] == [1] * lost
    store.close()


def test_interventions_lineage_and_commands_are_kept(upgraded: Upgraded) -> None:
    run = upgraded.store.queries.get_run(1)
    if upgraded.version < HAS_INTERVENTIONS:
        assert (run.interventions, run.plan, run.parent_id) == ((), (), None)
        return
    assert run.interventions == (CHANGE,)
    repeat, continued = (upgraded.store.queries.get_run(run_id) for run_id in (5, 6))
    assert (repeat.parent_id, repeat.parent_step, repeat.plan) == (1, None, (CHANGE,))
    assert (continued.parent_id, continued.parent_step) == (1, 5)
    (command,) = upgraded.store.queries.list_commands(7, after=0)
    assert (command.command, command.adjustment, command.by) == (Command.ADJUST, Adjustment(lr=0.5), "page")


def test_annotations_provenance_and_curve_are_kept_or_empty(upgraded: Upgraded) -> None:
    run, archived = (upgraded.store.queries.get_run(run_id) for run_id in (1, 2))
    if upgraded.version < HAS_ANNOTATIONS:
        assert (run.notes, run.tags, run.starred, archived.archived, run.curve) == ("", (), False, False, ())
        assert run.provenance is None
        return
    assert (run.notes, run.tags, run.starred) == ("# Notes\n=1+1", ("good", "slow"), True)
    assert archived.archived
    assert run.curve == (1.0, 0.5, 0.25)
    assert run.provenance is not None
    labels = upgraded.store.queries.test_labels(run.provenance.test_checksum)
    assert labels is not None
    assert labels.tolist() == [*range(10), *range(10)]


def test_every_run_has_an_identity_that_another_restored_backup_gives_it_again(
    upgraded: Upgraded, tmp_path: Path
) -> None:
    def identities(store: RunStore) -> list[str]:
        return [run.uid for run in [*store.queries.list_runs(), *store.queries.list_deleted_runs()]]

    write_database(tmp_path / "again", upgraded.version)
    again = RunStore.open(tmp_path / "again")
    assert identities(again) == identities(upgraded.store)
    assert len({*identities(again)}) == len(identities(again))
    assert all(len(uid) == 16 for uid in identities(again))
    again.close()


def test_queued_runs_keep_their_order(upgraded: Upgraded) -> None:
    expected = ["run-4"] if upgraded.version < HAS_INTERVENTIONS else ["run-4", "repeat", "continued"]
    if upgraded.version >= HAS_QUEUE_ORDER:
        expected = ["continued", "run-4", "repeat"]
    assert [run.name for run in upgraded.store.queries.list_queued_runs()] == expected


def test_a_run_that_left_the_queue_says_so_in_todays_words(upgraded: Upgraded) -> None:
    if upgraded.version >= HAS_ANNOTATIONS:
        assert upgraded.store.queries.get_run(8).was_removed_from_queue


def test_recorded_files_are_kept(upgraded: Upgraded) -> None:
    if upgraded.version >= HAS_FILES:
        path = f"checkpoints/run-7-{upgraded.store.queries.get_run(7).uid}/step-00000004.ckpt"
        assert upgraded.store.queries.list_files(7) == [RunFile(path, FileKind.STEP, 4, "f" * 64)]


def test_a_run_in_progress_keeps_its_trainer_or_gets_a_lease_from_now_on(upgraded: Upgraded) -> None:
    if upgraded.version < HAS_INTERVENTIONS:
        assert upgraded.store.queries.list_silent_seconds() == {}
        return
    trainer = upgraded.store.queries.get_run(7).trainer
    silent_seconds = upgraded.store.queries.list_silent_seconds()[7]
    assert trainer is not None
    if upgraded.version < HAS_PLACES:
        assert (trainer.host, trainer.pid_namespace) == (None, None)
        assert 0 <= silent_seconds < LEASE_SECONDS
    else:
        assert (trainer.host, trainer.pid_namespace) == ("0123456789abcdef", "4026531836")
        assert silent_seconds > LEASE_SECONDS


def test_the_source_of_own_networks_is_kept(upgraded: Upgraded) -> None:
    source = NetworkSource("tiny.py", "class Tiny: ...\n", "/home/me/tiny.py")
    model = source.network("Tiny").name
    found = upgraded.store.queries.find_network(model)
    assert found == (source if upgraded.version >= HAS_NETWORKS_AND_NORMS else None)
    upgraded.store.commands.record_network(source)
    assert upgraded.store.commands.create_run(TrainConfig(model=model)).config.model == model


def test_norms_by_layer_are_kept(upgraded: Upgraded) -> None:
    norms = [LayerNorms(1, ("fc",), (1.0,), (2.0,))] if upgraded.version >= HAS_NETWORKS_AND_NORMS else []
    assert upgraded.store.queries.list_layer_norms(1) == norms


def test_files_with_the_number_of_a_run_are_listed_without_a_hash(tmp_path: Path) -> None:
    for name in (
        "checkpoints/run-1/step-00000005.ckpt",
        "checkpoints/run-1/best-00000004.ckpt",
        "checkpoints/run-1/notes.ckpt",
        "checkpoints/run-99/step-00000005.ckpt",
        "models/run-1.pt",
        "models/run-10.pt",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    write_database(tmp_path, HAS_FILES - 1)
    store = RunStore.open(tmp_path)
    assert store.queries.list_files(1) == [
        RunFile("checkpoints/run-1/best-00000004.ckpt", FileKind.BEST, 4, ""),
        RunFile("checkpoints/run-1/step-00000005.ckpt", FileKind.STEP, 5, ""),
        RunFile("models/run-1.pt", FileKind.MODEL, 5, ""),
    ]
    assert [run.id for run in store.queries.list_runs() if store.queries.list_files(run.id)] == [1]
    store.close()


def test_new_runs_get_new_numbers_and_old_ones_can_be_worked_on(upgraded: Upgraded) -> None:
    store = upgraded.store
    newest = max(run.id for run in [*store.queries.list_runs(), *store.queries.list_deleted_runs()])
    assert store.commands.create_run(TrainConfig()).id == newest + 1
    store.commands.requeue_run(3)
    store.commands.edit_run(1, notes="Still here.")
    store.commands.delete_runs([2])
    assert store.queries.get_run(3).status is RunStatus.QUEUED
    assert store.queries.get_run(1).notes == "Still here."
    assert "diverged" in [run.name for run in store.queries.list_deleted_runs()]


def test_there_is_a_database_of_every_version() -> None:
    assert list(VERSIONS) == list(range(1, len(MIGRATIONS) + 1))


def copies_before_migrations(folder: Path) -> list[Path]:
    return sorted((folder / "backups").glob("before-schema-*.sqlite"))


def test_a_database_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    write_database(tmp_path, 6)
    RunStore.open(tmp_path).close()
    (copy,) = copies_before_migrations(tmp_path)
    assert copy.name.startswith("before-schema-7-20")
    assert pragma(copy, "user_version") == 6
    assert newest_backup(tmp_path) == copy
    RunStore.open(tmp_path).close()
    assert copies_before_migrations(tmp_path) == [copy]


def test_the_newest_copies_before_migrations_are_kept(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    for age in range(5):
        older = tmp_path / "backups" / f"before-schema-{age}-then.sqlite"
        older.touch()
        os.utime(older, (age, age))
    (tmp_path / "backups" / "before-schema-7-then.unfinished").touch()
    write_database(tmp_path, 6)
    RunStore.open(tmp_path).close()
    copies = copies_before_migrations(tmp_path)
    assert [copy.name[:15] for copy in copies] == ["before-schema-3", "before-schema-4", "before-schema-7"]
    assert not list((tmp_path / "backups").glob("*.unfinished"))


def test_nothing_is_migrated_without_a_copy(tmp_path: Path) -> None:
    path = write_database(tmp_path, 6)
    (tmp_path / "backups").write_text("in the way")
    with pytest.raises(StoreError, match=r"no copy of it could be made in .*backups before .* start again"):
        RunStore.open(tmp_path)
    assert pragma(path, "user_version") == 6
