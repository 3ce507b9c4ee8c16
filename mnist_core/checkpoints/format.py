"""The payload of a checkpoint file: everything that a run needs to continue bit for bit.

It is a dict written by `torch.save`: `tensors` holds the weights and the optimizer's tensors, `facts` the rest as JSON,
because JSON cannot hold anything that torch's restricted load would refuse. Early stopping adds the best state, unless
that is the state itself. Random shifts and dropout need no state: their generator is seeded from (seed, step) before
each step. `envelope` adds a header, which is verified before torch sees a byte.
"""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mnist_core.checkpoints.envelope import seal, unusable
from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import ADJUSTABLE, encode_json
from mnist_core.training.networks import models
from mnist_core.training.train_state import POSITION_FIELDS, Best, TrainState, named_weights

_BEST = "best."
"""Prefix of the tensors that belong to the best evaluation so far."""


@dataclass(frozen=True)
class Checkpoint:
    """The content of a file. `train(config, data, state=state)` continues from it."""

    path: Path
    config: TrainConfig
    state: TrainState
    dataset: str
    """The dataset in use, which `config.dataset` may leave open."""
    threads: int
    """Threads of the trainer; results repeat to the last bit only with the same number."""
    interventions: list[dict[str, Any]]
    """Changes during the run, as JSON values."""


def encode(
    config: TrainConfig,
    state: TrainState,
    dataset: str,
    interventions: Sequence[Mapping[str, Any]],
    *,
    is_snapshot: bool = False,
) -> bytes:
    """Return the content of a whole file; that of a snapshot has the weights alone."""
    best = None if is_snapshot else state.best
    facts = {
        "config": asdict(config),
        "position": state.position,
        "best": {"score": best.score, "position": dict(best.position)} if best else None,
        "dataset": dataset,
        "threads": torch.get_num_threads(),
        "interventions": [dict(intervention) for intervention in interventions],
    }
    named = named_weights(state.model) if is_snapshot else state.tensors()
    if best and best.step != state.step:  # else they are the weights of the state itself
        named |= {_BEST + name: tensor for name, tensor in best.tensors.items()}
    tensors = {name: tensor.cpu() for name, tensor in named.items()}
    buffer = io.BytesIO()
    torch.save({"tensors": tensors, "facts": encode_json(facts)}, buffer)
    return seal(buffer.getvalue())


def decode(path: Path, payload: bytes, device: str | None = None, settings: TrainConfig | None = None) -> Checkpoint:
    """Rebuild a checkpoint from the payload of the file at `path`; runs no code from it.

    See `files.load` for `device`, `settings` and errors.
    """
    tensors, facts = _read_payload(path, payload)
    config, position = facts["config"], facts["position"]
    settings = settings or config
    state = TrainState.initial(replace(settings, device=device) if device else settings)
    position |= {
        name: getattr(settings, name) for name in ADJUSTABLE if getattr(settings, name) != getattr(config, name)
    }
    best_tensors = {name.removeprefix(_BEST): tensors.pop(name) for name in [*tensors] if name.startswith(_BEST)}
    if not _copy_tensors(tensors, state.tensors()):
        raise unusable(path, f"holds weights that do not fit the network {config.model} with {config.optimizer}")
    kept = {name: tensor.detach().clone() for name, tensor in state.tensors().items()}
    best, is_counted = facts["best"], bool(settings.patience) and settings.monitor == config.monitor
    if best and best["position"]["step"] != position["step"] and not _copy_tensors(best_tensors, kept):
        raise unusable(path, f"holds best weights that do not fit the network {config.model} with {config.optimizer}")
    state.best = Best(best["score"], best["position"], kept) if best and is_counted else None
    position["waited"] *= is_counted
    return Checkpoint(
        path, config, replace(state, **position), facts["dataset"], facts["threads"], facts["interventions"]
    )


@dataclass(frozen=True)
class SavedNetwork:
    """The network in a checkpoint or snapshot, on the CPU and in eval mode, without what training needs besides."""

    config: TrainConfig
    model: nn.Module
    dataset: str
    step: int


def decode_network(path: Path, payload: bytes) -> SavedNetwork:
    """Rebuild the network from the payload of a checkpoint or snapshot, whatever device and precision it trained with.

    Raises `CheckpointError` if the file does not hold what a checkpoint holds.
    """
    tensors, facts = _read_payload(path, payload)
    config: TrainConfig = facts["config"]
    model = models.build_model(config.model, torch.Generator()).to(memory_format=torch.channels_last)
    weights = {name: tensor for name, tensor in tensors.items() if name.startswith("model.")}
    if not _copy_tensors(weights, named_weights(model)):
        raise unusable(path, f"holds weights that do not fit the network {config.model}")
    return SavedNetwork(config, model.eval(), facts["dataset"], facts["position"]["step"])


def _read_payload(path: Path, payload: bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors by name and the facts, with the config as `TrainConfig`. Raises `CheckpointError`."""
    try:
        saved = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:  # the restricted unpickler raises a dozen kinds
        raise unusable(path, "holds more than weights and numbers, such as code; none was executed") from error
    try:
        tensors, facts = dict(saved["tensors"]), json.loads(saved["facts"])
        return tensors, {
            "config": TrainConfig.from_stored(facts["config"]),
            "position": _read_position(facts["position"]),
            "best": _read_best(facts.get("best")),
            **{name: facts[name] for name in ("dataset", "threads", "interventions")},
        }
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise unusable(path, f"does not hold what a checkpoint holds ({error})") from error


def _read_position(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the numbers of a state; checkpoints from before early stopping have not waited."""
    values = {"waited": 0, **values}
    return {name: values[name] for name in POSITION_FIELDS}


def _read_best(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return score and position of the best evaluation; None if there was none. JSON has null for a loss of NaN."""
    if values is None:
        return None
    score = math.nan if values["score"] is None else float(values["score"])
    return {"score": score, "position": _read_position(values["position"])}


def _copy_tensors(saved: dict[str, Tensor], targets: dict[str, Tensor]) -> bool:
    """Copy all tensors, keeping device and memory format of the targets; copy none and return False if they differ."""
    saved_kinds = {name: (tensor.shape, tensor.dtype) for name, tensor in saved.items()}
    if saved_kinds != {name: (tensor.shape, tensor.dtype) for name, tensor in targets.items()}:
        return False
    for name, tensor in targets.items():
        tensor.copy_(saved[name])
    return True
