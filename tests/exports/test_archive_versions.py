"""Archives of every version that the program has written are read, and a changed format needs a new version.

Each file in `fixtures` was written by the program of its time.
"""

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnist_core.config import TrainConfig
from mnist_core.exports import archive
from mnist_core.exports.export_worker import export
from mnist_core.records import Intervention, Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.store.codecs import step_codec
from tests.support.factories import LABELS, PROVENANCE, predictions

FIXTURES = Path(__file__).parent / "fixtures"
CHANGE = Intervention(2, "lr", 0.25, 0.1, datetime.fromtimestamp(1.7e9, UTC), "page")

FIELDS_OF_VERSION_6 = """
    evaluations: accuracy confusion elapsed_seconds epoch has_probabilities images loss split step
    norms: gradients layers step weights
    run: archived attempt config created_at curve dataset device finished_at interventions name notes notice parent_step
    run: progress provenance reason starred started_at status tags test_images threads total_steps train_images
    run: validation_images
    run.config: augmentation batch_size dataset device epochs gamma label_smoothing last_batch lr max_shift min_delta
    run.config: model momentum monitor optimizer patience precision save_model schedule seed skip_norms skip_test
    run.config: test_batch_size train_fraction validation_fraction weight_decay
    run.interventions: at by field new old step
    run.progress: accuracy elapsed_seconds epoch examples_per_second live_confusion loss step
    run.provenance: commit dataset dataset_checksum device is_dirty network_checksum packages parameters platform
    run.provenance: precision processor python seed test_checksum threads
    steps: epoch<u2 loss<f8 accuracy<f8 lr<f8 momentum<f8 examples_per_second<f4 elapsed_seconds<f8
"""


@pytest.mark.parametrize(
    ("name", "parent_step"),
    [("archive-1-with-results", None), *((f"archive-{version}", 3) for version in range(2, archive.VERSION + 1))],
    ids=["1 with results", *map(str, range(2, archive.VERSION + 1))],
)
def test_a_run_is_read_whole(other_store: RunStore, name: str, parent_step: int | None) -> None:
    (run,) = archive.import_archive(other_store, FIXTURES / f"{name}.zip")
    assert (run.name, run.status, run.config) == (
        "early",
        RunStatus.COMPLETED,
        TrainConfig(lr=0.25, seed=3, last_batch="keep"),
    )
    assert (run.notes, run.tags, run.starred, run.archived) == ("# Notes\n=1+1", ("good", "slow"), True, False)
    assert (run.interventions, run.parent_step) == ((CHANGE,), parent_step)
    assert (run.dataset, run.train_images, run.validation_images, run.test_images) == ("MNIST", 270, 30, 1000)
    assert (run.device, run.threads, run.total_steps, run.curve) == ("cpu", 2, 15, (0.5, 0.25))
    assert run.provenance == replace(PROVENANCE, seed=3)
    assert (run.progress.step, run.progress.epoch, run.progress.loss, run.progress.accuracy) == (5, 1, 0.5, 0.8)
    assert (run.results.validation_accuracy, run.results.best_validation_accuracy) == (0.9, 0.9)
    assert (run.results.test_accuracy, run.results.test_loss) == (0.95, 0.2)
    steps = other_store.queries.read_steps(run.id)
    assert steps["loss"].tolist() == [1 / step for step in range(1, 6)]
    assert steps["elapsed_seconds"].tolist() == [step / 100 for step in range(1, 6)]
    validation, test = other_store.queries.list_evaluations(run.id)
    assert (validation.split, validation.loss, len(validation.predictions)) == ("validation", 0.3, 30)
    assert (test.split, test.step, test.elapsed_seconds) == ("test", 5, 0.05)
    assert test.predictions.tolist() == predictions(range(950)).tolist()
    _, test = other_store.queries.list_evaluations(run.id, probabilities=True)
    has_probabilities = zipfile.Path(FIXTURES / f"{name}.zip", "0/probabilities.bin").exists()
    assert (test.probabilities is not None) == has_probabilities == (name == f"archive-{archive.VERSION}")
    labels = other_store.queries.test_labels(PROVENANCE.test_checksum)
    assert labels is not None
    assert labels.tolist() == LABELS.tolist()


def test_steered_diverged_and_interrupted_runs_of_version_1_are_read_whole(other_store: RunStore) -> None:
    steered, diverged, live, interrupted = archive.import_archive(other_store, FIXTURES / "archive-1.zip")
    assert (steered.name, steered.notes, steered.tags, steered.starred) == ("steered", "# n\nx", ("good", "slow"), True)
    assert (steered.config.lr, steered.results.test_accuracy, steered.progress.loss) == (0.25, 0.9, 0.5)
    assert steered.provenance == PROVENANCE
    assert (diverged.status, diverged.config.seed, diverged.archived) == (RunStatus.DIVERGED, 3, True)
    assert np.isnan(other_store.queries.read_steps(diverged.id)["loss"][1])
    assert [(change.step, change.field, change.old, change.new) for change in live.interventions] == [
        (1, "lr", 0.01, 0.1)
    ]
    assert (live.curve, live.threads, live.reason, live.progress.live_confusion) == (
        (0.5, 0.25),
        2,
        "by hand",
        ((1,) * 10,) * 10,
    )
    assert (interrupted.status, interrupted.name) == (RunStatus.STOPPED, "binned")
    assert len(other_store.queries.list_evaluations(interrupted.id)) == 2


def test_there_is_an_archive_of_every_version() -> None:
    versions = set()
    for path in FIXTURES.glob("archive-*.zip"):
        with zipfile.ZipFile(path) as zipped:
            versions.add(json.loads(zipped.read(archive.MANIFEST))["version"])
    assert versions == set(range(1, archive.VERSION + 1))


def test_a_changed_format_has_a_new_version(store: RunStore, exported_run: Run, tmp_path: Path) -> None:
    """If this fails, the format has changed: read the docstring of `exports/archive.py`, then list the fields here."""
    export(store.queries, [replace(exported_run, interventions=(CHANGE,))], "archive", tmp_path / "runs.zip")
    with zipfile.ZipFile(tmp_path / "runs.zip") as zipped:
        content = json.loads(zipped.read("0/run.json"))
    columns = (f"{name}{step_codec.STEP_COLUMNS[name].str}" for name in step_codec.STEP_COLUMNS.names or ())
    fields = {*field_paths(content), *(f"steps: {column}" for column in columns)}
    assert archive.VERSION == 6
    assert fields == {
        f"{part}: {field}"
        for part, listed in (line.strip().split(": ") for line in FIELDS_OF_VERSION_6.strip().splitlines())
        for field in listed.split()
    }


def field_paths(content: dict[str, Any], part: str = "") -> Iterator[str]:
    """Yield the fields of all objects in a run's JSON as `part: field`; the keys of `packages` are no fields."""
    for name, value in content.items():
        if part:
            yield f"{part}: {name}"
        item = value[0] if isinstance(value, list) and value else value
        if isinstance(item, dict) and name != "packages":
            yield from field_paths(item, f"{part}.{name}" if part else name)
