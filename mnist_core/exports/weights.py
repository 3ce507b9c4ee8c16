"""Exports the weights of a run as safetensors, `state_dict` or ONNX model. Imports torch: for workers only."""

from __future__ import annotations

import io
from functools import partial
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mnist_core.checkpoints import files
from mnist_core.checkpoints.index import model_path
from mnist_core.checkpoints.ownership import check_checkpoint, has_recorded_hash, newest_checkpoint
from mnist_core.checkpoints.recorded_networks import provide_network
from mnist_core.errors import ExportError
from mnist_core.records import FileKind, Run
from mnist_core.store.queries import Queries
from mnist_core.system.paths import display_path, runs_dir
from mnist_core.training.batches import PIXEL_MEAN, PIXEL_STD
from mnist_core.training.networks import models
from mnist_core.training.networks.layers import Linear


def load_model(queries: Queries, run: Run) -> nn.Module:
    """Load the network of a run on the CPU, in eval mode: its saved model, else its newest checkpoint.

    Raises `ConfigError` for a network that came with an imported run, `ExportError` if there is neither, or the model
    is not what the run saved, and `CheckpointError` if the checkpoint is damaged or not what the run saved. Earlier
    weights never stand in for it.
    """
    provide_network(queries, run.config.model)
    saved_models = [file for file in queries.list_files(run.id) if file.kind is FileKind.MODEL]
    if any(file.sha256 for file in saved_models) and model_path(run).exists():
        return _load_saved_model(queries, run)
    if checkpoint := newest_checkpoint(queries, run):
        check = partial(check_checkpoint, queries, run)
        return files.load(checkpoint, device="cpu", check=check).state.model.eval()
    if saved_models:
        path = runs_dir() / saved_models[-1].path
        raise ExportError(
            f"Model {display_path(path)} may be another run's: nothing in it shows that {run.name} saved it, and the "
            "run has no checkpoint. Use the file itself if you know whose it is, or train the run again."
        )
    raise ExportError(f"{run.name} has no weights: neither a saved model nor a checkpoint. Train it again.")


def _load_saved_model(queries: Queries, run: Run) -> nn.Module:
    path = model_path(run)
    content = path.read_bytes()  # once: what is loaded is what was verified
    if not has_recorded_hash(queries, run, path, content):
        raise ExportError(
            f"Model {display_path(path)} has changed since {run.name} saved it. "
            "Move it away to export the weights of the last checkpoint, or train the run again."
        )
    model = models.build_model(run.config.model, torch.Generator())
    try:
        model.load_state_dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))
    except RuntimeError as error:  # saved when this network had other layers
        raise ExportError(
            f"Model {display_path(path)} does not fit the network {run.config.model}. Train {run.name} again."
        ) from error
    return model.eval()


def write_safetensors(queries: Queries, run: Run, path: Path) -> None:
    """Write the weights, with network, dataset and run name as metadata."""
    state = load_model(queries, run).state_dict()
    # Copies: the format has no tensors that share memory, such as tied weights.
    weights = {name: weight.clone(memory_format=torch.contiguous_format) for name, weight in state.items()}
    save_file(weights, path, metadata={"model": run.config.model, "dataset": run.dataset, "run": run.name})


def write_state_dict(queries: Queries, run: Run, path: Path) -> None:
    """Write the weights for `model.load_state_dict(torch.load(path, weights_only=True))`."""
    torch.save({name: weight.contiguous() for name, weight in load_model(queries, run).state_dict().items()}, path)


def write_onnx(queries: Queries, run: Run, path: Path) -> None:
    """Write a model from `pixels`, float32 (N, 1, 28, 28) from 0 to 255, to `log_probabilities`, float32 (N, 10)."""
    model = _FromPixels(_with_plain_linear_layers(load_model(queries, run)))
    batch = torch.export.Dim("batch")
    program = torch.onnx.export(
        model.eval(),
        (torch.zeros(2, 1, 28, 28),),
        input_names=["pixels"],
        output_names=["log_probabilities"],
        dynamic_shapes=({0: batch},),
        dynamo=True,
        verbose=False,
    )
    assert program is not None
    program.save(path)


class _FromPixels(nn.Module):
    """A network that normalises its input as in training."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> Tensor:
        log_probabilities: Tensor = self.model((pixels / 255 - PIXEL_MEAN) / PIXEL_STD)
        return log_probabilities


def _with_plain_linear_layers(model: nn.Module) -> nn.Module:
    """Replace the linear layers by PyTorch's own, which every exporter knows; returns `model`."""
    for name, layer in list(model.named_children()):
        if isinstance(layer, Linear):
            plain = nn.Linear(layer.in_features, layer.out_features)
            plain.load_state_dict(layer.state_dict())
            setattr(model, name, plain)
    return model
