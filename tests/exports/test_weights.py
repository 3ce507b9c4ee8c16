"""Weights are exported as the programs that they are for read them."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from mnist_core.config import MODELS, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.errors import ExportError
from mnist_core.exports.export_worker import export
from mnist_core.exports.formats import file_name
from mnist_core.exports.weights import load_model
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer.worker import train_run
from mnist_core.training.batches import PIXEL_MEAN, PIXEL_STD
from mnist_core.training.engine import train
from mnist_core.training.train_state import TrainState
from tests.support.factories import finished_run
from tests.support.files.run_files import give_model


def log_probabilities(store: RunStore, run: Run, digits: Dataset) -> np.ndarray:
    images = torch.as_tensor(digits.test.images).float().unsqueeze(1)
    with torch.inference_mode():
        answer: np.ndarray = load_model(store.queries, run)((images / 255 - PIXEL_MEAN) / PIXEL_STD).numpy()
    return answer


def test_weights_are_those_of_the_last_checkpoint(
    store: RunStore, trained: Run, small_mnist: Dataset, tmp_path: Path
) -> None:
    export(store.queries, [trained], "safetensors", tmp_path / "w.safetensors")
    export(store.queries, [trained], "state-dict", tmp_path / "w.pt")
    expected = load_model(store.queries, trained).state_dict()
    for read in (load_file(tmp_path / "w.safetensors"), torch.load(tmp_path / "w.pt", weights_only=True)):
        assert read.keys() == expected.keys()
        assert all(torch.equal(read[name], weight) for name, weight in expected.items())
    predicted = log_probabilities(store, trained, small_mnist).argmax(1)
    assert predicted.tolist() == store.queries.list_evaluations(trained.id)[-1].predictions.tolist()


def test_a_saved_model_takes_precedence_over_checkpoints(store: RunStore, trained: Run) -> None:
    weights = {
        name: torch.ones_like(weight) for name, weight in load_model(store.queries, trained).state_dict().items()
    }
    content = io.BytesIO()
    torch.save(weights, content)
    path = give_model(store, trained, content.getvalue())
    assert all(bool((weight == 1).all()) for weight in load_model(store.queries, trained).state_dict().values())
    path.write_bytes(b"damaged")
    with pytest.raises(
        ExportError, match=rf"Model .*{path.name} has changed since {trained.name} saved it\. Move it away"
    ):
        load_model(store.queries, trained)


def test_a_model_of_a_network_that_has_changed_since_is_refused(store: RunStore, trained: Run) -> None:
    content = io.BytesIO()
    torch.save(torch.nn.Linear(2, 2).state_dict(), content)
    give_model(store, trained, content.getvalue())
    with pytest.raises(
        ExportError, match=rf"does not fit the network {trained.config.model}\. Train {trained.name} again"
    ):
        load_model(store.queries, trained)


def test_a_run_without_weights_is_refused(store: RunStore, tmp_path: Path) -> None:
    run = finished_run(store)
    with pytest.raises(ExportError, match="run-1 has no weights: neither a saved model nor a checkpoint"):
        export(store.queries, [run], "safetensors", tmp_path / "w")
    assert list(tmp_path.glob("*")) == []


@pytest.mark.fault
@pytest.mark.parametrize("model", MODELS)
def test_onnx_runtime_agrees_with_the_network(store: RunStore, digits: Dataset, tmp_path: Path, model: str) -> None:
    import onnxruntime  # slow to import, and only this test needs it

    run = finished_run(store, TrainConfig(model=model))
    state = TrainState.initial(run.config)
    next(train(run.config, digits, state=state))  # batch normalisation now has statistics
    content = io.BytesIO()
    torch.save(state.model.state_dict(), content)
    give_model(store, run, content.getvalue())
    export(store.queries, [run], "onnx", tmp_path / "m.onnx")
    session = onnxruntime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    pixels = digits.test.images.astype(np.float32)[:, None]
    for images in (pixels, pixels[:1]):
        (answer,) = session.run(["log_probabilities"], {"pixels": images})
        np.testing.assert_allclose(answer, log_probabilities(store, run, digits)[: len(images)], rtol=0, atol=1e-5)


def test_weights_of_several_runs_are_zipped(store: RunStore, trained: Run, tmp_path: Path) -> None:
    again = train_run(store, store.commands.create_run(trained.config, trainer=own_identity()))
    export(store.queries, [trained, again], "safetensors", tmp_path / "w.zip")
    assert zipfile.ZipFile(tmp_path / "w.zip").namelist() == ["run-1.safetensors", "run-2.safetensors"]
    assert file_name("safetensors", [trained, again]) == "2-runs-safetensors.zip"
