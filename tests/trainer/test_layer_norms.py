"""Norms by layer, recorded with the steps of a run: they change nothing else, and go where the steps go."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import DamagedRunError, ImportRefusedError
from mnist_core.exports import archive
from mnist_core.exports.run_json import norms_to_json
from mnist_core.records import LayerNorms, Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from mnist_core.training.layer_norms import is_due
from tests.support.files.archives import changed, set_field
from tests.support.training import CONFIG, act_at_step, claimed_run, load_newest, resume

pytestmark = pytest.mark.usefixtures("signals_restored")

DROPOUT = replace(CONFIG, model="compact", augmentation="affine", max_shift=2)


@pytest.fixture
def trained(store: RunStore, small_mnist: Dataset) -> Run:
    return train_run(store, claimed_run(store))


def outcome(store: RunStore, run: Run) -> list[object]:
    """Return everything of a run that must not depend on its norms: metrics, predictions and final weights."""
    steps, evaluations = store.queries.read_steps(run.id), store.queries.list_evaluations(run.id)
    weights = load_newest(checkpoints_dir(run)).state.model.state_dict()
    return [
        *(steps[name].tolist() for name in ("loss", "accuracy", "lr")),
        *((evaluation.loss, evaluation.predictions.tolist()) for evaluation in evaluations),
        *(weight.tolist() for weight in weights.values()),
    ]


@pytest.mark.parametrize("config", [CONFIG, DROPOUT, replace(CONFIG, model="mlp", optimizer="adam", weight_decay=0.01)])
def test_recording_norms_changes_no_bit_of_training(store: RunStore, small_mnist: Dataset, config: TrainConfig) -> None:
    with_norms = train_run(store, claimed_run(store, config))
    without = train_run(store, claimed_run(store, replace(config, skip_norms=True)))
    assert outcome(store, with_norms) == outcome(store, without)
    measured = {norms.step for norms in store.queries.list_layer_norms(with_norms.id)}
    assert measured == {step for step in range(1, 19) if is_due(step)} | {5, 9, 14, 18}
    assert store.queries.list_layer_norms(without.id) == []


def test_a_resumed_run_has_the_norms_of_an_undisturbed_one(store: RunStore, small_mnist: Dataset, trained: Run) -> None:
    interrupt = act_at_step(12, lambda: os.kill(os.getpid(), signal.SIGTERM))
    interrupted = train_run(store, claimed_run(store), interrupt)
    assert interrupted.status is RunStatus.INTERRUPTED
    resumed = resume(store, interrupted)
    expected = store.queries.list_layer_norms(trained.id)
    assert store.queries.list_layer_norms(resumed.id) == expected


def test_a_run_that_continues_another_begins_with_its_norms(store: RunStore, trained: Run) -> None:
    fork = lineage.fork(store, trained, replace(CONFIG, epochs=3), step=14, trainer=own_identity())
    norms = store.queries.list_layer_norms(trained.id)
    assert store.queries.list_layer_norms(fork.id) == [entry for entry in norms if entry.step <= 14]
    continued = train_run(store, fork)
    measured = store.queries.list_layer_norms(continued.id)
    assert [entry for entry in measured if entry.step <= 18] == norms
    assert measured[-1].step == 27


def test_norms_are_float32_by_layer_and_are_deleted_with_their_run(store: RunStore, trained: Run) -> None:
    (norms, *_) = store.queries.list_layer_norms(trained.id)
    assert (norms.step, norms.layers, len(norms.weights), len(norms.gradients)) == (1, ("fc",), 1, 1)
    assert 0 < norms.weights[0] < 10
    store.commands.delete_runs([trained.id])
    store.commands.purge_runs([trained.id])
    assert store.queries.list_layer_norms(trained.id) == []


def test_damaged_norms_are_reported(store: RunStore, trained: Run) -> None:
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE layer_norms SET norms = x'00' WHERE step = 3")
    with pytest.raises(DamagedRunError, match="Its norms by layer cannot be read"):
        store.queries.list_layer_norms(trained.id)


# ---------------------------------------------------------------------- archives


def test_archives_carry_norms(store: RunStore, trained: Run, tmp_path: Path) -> None:
    archive.write_archive(store.queries, [trained], tmp_path / "runs.zip")
    (imported,) = archive.import_archive(store, tmp_path / "runs.zip")
    assert store.queries.list_layer_norms(imported.id) == store.queries.list_layer_norms(trained.id)


@pytest.mark.parametrize(
    "norms",
    [
        [LayerNorms(2, ("fc",), (1.0,), (1.0,)), LayerNorms(1, ("fc",), (1.0,), (1.0,))],
        [LayerNorms(1, ("fc",), (1.0,), (1.0,))] * 2,
        [LayerNorms(19, ("fc",), (1.0,), (1.0,))],
        [LayerNorms(0, ("fc",), (1.0,), (1.0,))],
        [LayerNorms(1, ("fc",), (1.0, 2.0), (1.0,))],
        [LayerNorms(1, ("fc",), (1.0,), ())],
        [LayerNorms(1, ("fc",), (-1.0,), (1.0,))],
        [LayerNorms(1, ("fc",), (1.0,), (1.0,)), LayerNorms(2, ("other",), (1.0,), (1.0,))],
    ],
)
def test_norms_that_no_trainer_records_are_refused(
    store: RunStore, trained: Run, tmp_path: Path, norms: list[LayerNorms]
) -> None:
    archive.write_archive(store.queries, [trained], tmp_path / "runs.zip")
    forged = changed(tmp_path / "runs.zip", set_field("norms", value=norms_to_json(norms)))
    with pytest.raises(ImportRefusedError, match="norm"):
        archive.import_archive(store, forged)
