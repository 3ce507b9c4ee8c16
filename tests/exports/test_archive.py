"""Archives imported into another store: runs arrive whole and under free names."""

import dataclasses
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_core.analysis.compare import compare_runs
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import RunStateError
from mnist_core.exports import archive
from mnist_core.exports.export_worker import export
from mnist_core.records import Intervention, Run, RunStatus, StepMetrics
from mnist_core.runs.actions import RunActions
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from tests.support.factories import LABELS, finished_run
from tests.support.strict_json import parse_json

Step = Callable[..., StepMetrics]


def test_a_run_is_imported_whole(store: RunStore, other_store: RunStore, exported_run: Run, archive_file: Path) -> None:
    (imported,) = RunActions(other_store).import_file(archive_file)
    kept_here = {name: getattr(exported_run, name) for name in ("id", "uid", "trainer")}
    assert dataclasses.replace(imported, **kept_here) == exported_run
    assert other_store.queries.read_steps(imported.id).tolist() == store.queries.read_steps(exported_run.id).tolist()
    for original, copy in zip(
        store.queries.list_evaluations(exported_run.id), other_store.queries.list_evaluations(imported.id), strict=True
    ):
        assert copy.predictions.tolist() == original.predictions.tolist()
        assert dataclasses.replace(copy, predictions=original.predictions) == original
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
    run = finished_run(store, steps=[a_step(step, loss) for step, loss in enumerate(losses, 1)], test_loss=float("nan"))
    export(store.queries, [dataclasses.replace(run, curve=(0.5, float("inf")))], "archive", tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip") as zipped:
        assert parse_json(zipped.read("0/run.json"))["evaluations"][1]["loss"] is None
    (imported,) = archive.import_archive(other_store, tmp_path / "runs.zip")
    np.testing.assert_array_equal(other_store.queries.read_steps(imported.id)["loss"], losses)
    assert np.isnan(other_store.queries.list_evaluations(imported.id)[1].loss)
    np.testing.assert_array_equal(imported.curve, [0.5, np.nan])


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
    run = finished_run(store, steps=[a_step(step) for step in range(1, 5001)])
    peaks = []
    for count in (1, 10):
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
