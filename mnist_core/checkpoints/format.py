"""The file format of checkpoints: a header, then the payload. Both are verified before torch sees a byte.

The header holds 8 bytes `MNISTCKP`, the version (uint32) and the length of the payload (uint64), both little-endian,
then the SHA-256 of everything before and after it. This detects truncation and any flipped bit. Later versions keep
the layout of the header, so that a newer file can be told from a damaged one.

The payload is a dict written by `torch.save`: `tensors` holds the weights and the optimizer's tensors, `facts` the rest
as JSON, because JSON cannot hold anything that torch's restricted load would refuse. Dropout needs no state: its
generator is seeded from (seed, step) before each step.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnist_core.config import TrainConfig
from mnist_core.errors import CheckpointError, ConfigError
from mnist_core.records import ADJUSTABLE, encode_json
from mnist_core.system.paths import display_path
from mnist_core.training.engine import TrainState

VERSION = 1

_MAGIC = b"MNISTCKP"
_PREFIX = struct.Struct("<8sIQ")
_DIGEST_BYTES = 32
_POSITION_FIELDS = [field.name for field in fields(TrainState) if field.name not in ("model", "optimizer", "dropout")]


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
    skipped: tuple[str, ...] = ()
    """One sentence for each newer checkpoint that `load_latest` could not use."""


def encode(config: TrainConfig, state: TrainState, dataset: str, interventions: Sequence[Mapping[str, Any]]) -> bytes:
    """Return the content of a whole file."""
    facts = {
        "config": asdict(config),
        "position": {name: getattr(state, name) for name in _POSITION_FIELDS},
        "dataset": dataset,
        "threads": torch.get_num_threads(),
        "interventions": [dict(intervention) for intervention in interventions],
    }
    tensors = {name: tensor.cpu() for name, tensor in _named_tensors(state).items()}
    buffer = io.BytesIO()
    torch.save({"tensors": tensors, "facts": encode_json(facts)}, buffer)
    prefix, payload = _PREFIX.pack(_MAGIC, VERSION, buffer.tell()), buffer.getvalue()
    return prefix + _digest(prefix, payload) + payload


def decode(path: Path, content: bytes, device: str | None = None, settings: TrainConfig | None = None) -> Checkpoint:
    """Verify and rebuild a checkpoint from the `content` of the file at `path`; runs no code from it.

    See `files.load` for `device`, `settings` and errors.
    """
    payload = _verified_payload(path, content)
    try:
        saved = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:  # the restricted unpickler raises a dozen kinds
        raise unusable(path, "holds more than weights and numbers, such as code; none was executed") from error
    try:
        tensors, facts = dict(saved["tensors"]), json.loads(saved["facts"])
        config = TrainConfig(**facts["config"])
        position = {name: facts["position"][name] for name in _POSITION_FIELDS}
        dataset, threads, interventions = facts["dataset"], facts["threads"], facts["interventions"]
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise unusable(path, f"does not hold what a checkpoint holds ({error})") from error
    settings = settings or config
    state = TrainState.initial(replace(settings, device=device) if device else settings)
    position |= {
        name: getattr(settings, name) for name in ADJUSTABLE if getattr(settings, name) != getattr(config, name)
    }
    if not _copy_tensors(tensors, _named_tensors(state)):
        raise unusable(path, f"holds weights that do not fit the network {config.model} with {config.optimizer}")
    return Checkpoint(path, config, replace(state, **position), dataset, threads, interventions)


def unusable(path: Path, problem: str) -> CheckpointError:
    """The error for a file that cannot be used; `problem` completes a sentence that begins with its name."""
    return CheckpointError(
        f"Checkpoint {display_path(path)} {problem}. Choose another checkpoint, or start the run again."
    )


def _verified_payload(path: Path, content: bytes) -> bytes:
    header_bytes = _PREFIX.size + _DIGEST_BYTES
    prefix, digest, payload = content[: _PREFIX.size], content[_PREFIX.size : header_bytes], content[header_bytes:]
    if not _MAGIC.startswith(prefix[: len(_MAGIC)]):
        raise unusable(path, "is not a checkpoint")
    if len(content) < header_bytes:
        raise unusable(path, "is damaged: it ends within its header")
    _magic, version, length = _PREFIX.unpack(prefix)
    if len(payload) < length:
        raise unusable(path, f"is damaged: it holds {len(payload)} of {length} bytes")
    if digest != _digest(prefix, payload):
        raise unusable(path, "is damaged: its checksum does not match")
    if version != VERSION:
        raise CheckpointError(
            f"Checkpoint {display_path(path)} has version {version}, and this program reads {VERSION}. "
            "Update the program."
        )
    return payload


def _digest(prefix: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(prefix + payload).digest()


def _named_tensors(state: TrainState) -> dict[str, Tensor]:
    """The tensors of a state, not copies, by name: `model.conv1.weight`, `optimizer.0`."""
    weights = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
    return weights | {f"optimizer.{number}": tensor for number, tensor in enumerate(state.optimizer.state())}


def _copy_tensors(saved: dict[str, Tensor], targets: dict[str, Tensor]) -> bool:
    """Copy all tensors, keeping device and memory format of the targets; copy none and return False if they differ."""
    saved_kinds = {name: (tensor.shape, tensor.dtype) for name, tensor in saved.items()}
    if saved_kinds != {name: (tensor.shape, tensor.dtype) for name, tensor in targets.items()}:
        return False
    for name, tensor in targets.items():
        tensor.copy_(saved[name])
    return True
