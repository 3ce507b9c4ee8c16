"""Exports the weights of a run as safetensors, `state_dict` or ONNX model. Imports torch: for workers only."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from mnist_core.checkpoints import files
from mnist_core.checkpoints.index import checkpoints_dir
from mnist_core.errors import ExportError
from mnist_core.records import Run
from mnist_core.store.queries import Queries
from mnist_core.system.paths import model_path
from mnist_core.training import models
from mnist_core.training.batches import PIXEL_MEAN, PIXEL_STD
from mnist_core.training.layers import Linear


def load_model(run: Run) -> nn.Module:
    """Load the network of a run on the CPU, in eval mode: its saved model, else its last checkpoint.

    Raises `ExportError` if there is neither, `CheckpointError` if the checkpoint is damaged.
    """
    if model_path(run.id).exists():
        model = models.build_model(run.config.model, torch.Generator())
        try:
            model.load_state_dict(torch.load(model_path(run.id), map_location="cpu", weights_only=True))
        except Exception as error:  # the restricted unpickler raises a dozen kinds
            raise ExportError(f"The model file of {run.name} is damaged ({error}). Train the run again.") from error
        return model.eval()
    saved = files.load_latest(checkpoints_dir(run.id), device="cpu")
    if saved is None:
        raise ExportError(f"{run.name} has no weights: neither a saved model nor a checkpoint. Train it again.")
    return saved.state.model.eval()


def write_safetensors(_queries: Queries, run: Run, path: Path) -> None:
    """Write the weights, with network, dataset and run name as metadata."""
    weights = {name: weight.contiguous() for name, weight in load_model(run).state_dict().items()}
    save_file(weights, path, metadata={"model": run.config.model, "dataset": run.dataset, "run": run.name})


def write_state_dict(_queries: Queries, run: Run, path: Path) -> None:
    """Write the weights for `model.load_state_dict(torch.load(path, weights_only=True))`."""
    torch.save({name: weight.contiguous() for name, weight in load_model(run).state_dict().items()}, path)


def write_onnx(_queries: Queries, run: Run, path: Path) -> None:
    """Write a model from `pixels`, float32 (N, 1, 28, 28) from 0 to 255, to `log_probabilities`, float32 (N, 10)."""
    model = _FromPixels(_with_plain_linear_layers(load_model(run)))
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
