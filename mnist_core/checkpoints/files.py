"""Everything a run needs to go on bit for bit, in one file: saved atomically, verified before it is read.

A file is a header, then the payload. The header: 8 bytes `MNISTCKP`, the version (uint32) and the length of the payload
(uint64), both little-endian, then the SHA-256 of all that precedes and follows it. Truncation and any flipped bit are
so found before torch sees a byte. The layout of the header stays the same in later versions, so that a newer file is
told from a damaged one.

The payload is what `torch.save` makes of a dict: `tensors`, the weights and what the optimizer keeps, and `facts`, the
rest as JSON, which refuses at once what a restricted load would refuse when it is needed. Dropout has no part in it:
its generator is seeded anew from (seed, step) before each step.

A folder belongs to one run. It holds the last `KEPT_CHECKPOINTS` checkpoints and the best one. The best is a copy, not
a link: some disks have no links, and a damaged block then costs only one file. The caller decides when to save and
which checkpoint is the best.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mnist_core.checkpoints.index import BEST, STEP, checkpoint_path, list_checkpoints
from mnist_core.config import TrainConfig
from mnist_core.errors import CheckpointError, ConfigError
from mnist_core.records import ADJUSTABLE
from mnist_core.system.atomic_files import is_disk_full, remove_leftovers, write_atomically
from mnist_core.system.paths import display_path
from mnist_core.training.engine import TrainState

VERSION = 1
KEPT_CHECKPOINTS = 2
"""One to resume from, and one before it should that be damaged."""

_MAGIC = b"MNISTCKP"
_PREFIX = struct.Struct("<8sIQ")
_DIGEST_BYTES = 32
_POSITION_FIELDS = [field.name for field in fields(TrainState) if field.name not in ("model", "optimizer", "dropout")]


@dataclass(frozen=True)
class Checkpoint:
    """What a file held. `train(config, data, state=state)` goes on from it."""

    path: Path
    config: TrainConfig
    state: TrainState
    dataset: str
    """The dataset really trained on."""
    threads: int
    """Threads it was computed with; the rest of the run repeats to the last bit only with the same number."""
    interventions: list[dict[str, Any]]
    """What people changed during the run, as the caller of `save` wrote it down."""
    skipped: tuple[str, ...] = ()
    """Newer checkpoints that `load_latest` could not use: a sentence each."""


def save(
    folder: Path,
    config: TrainConfig,
    state: TrainState,
    *,
    dataset: str,
    interventions: Sequence[Mapping[str, Any]] = (),
    best: bool = False,
    confirm: Callable[[], object] = lambda: None,
) -> Path:
    """Save a run as it stands after any event, and return the file; it is on the disk when this returns.

    `best` marks the checkpoint as the best by validation accuracy so far. `interventions` are of plain JSON values.
    `confirm` is called when all is written and about to take its place; if it raises, everything stays as it was.
    Older checkpoints are removed once the new one is safe; so are those of later steps, which a run that had to go
    back has abandoned. Raises `CheckpointError` when the disk is full or the folder cannot be written; the checkpoint
    before is then still there, and no temporary file.
    """
    content = _encode(config, state, dataset, interventions)
    path = checkpoint_path(folder, state.step)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        if best:
            # First: a run killed between the two goes back to before this evaluation, and so marks the best again.
            write_atomically(checkpoint_path(folder, state.step, BEST), content, confirm=confirm)
        write_atomically(path, content, confirm=confirm)
        _remove_superseded(folder, state.step)
    except OSError as error:
        remedy = (
            "Free some disk space"
            if is_disk_full(error)
            else f"Make {display_path(folder)} a folder that can be written"
        )
        raise CheckpointError(
            f"Checkpoint {display_path(path)} could not be saved: {error.strerror or error}. {remedy}; "
            "the checkpoint before is still there."
        ) from error
    return path


def load(path: Path, device: str | None = None, settings: TrainConfig | None = None) -> Checkpoint:
    """Read, verify and rebuild a checkpoint, to go on where the config says or on `device`. Runs no code from the file.

    With `settings` it goes on with those in place of the saved ones; what they leave alone stays as it was adjusted.

    Raises `CheckpointError` when the file is missing, damaged, not a checkpoint, from a newer version or does not
    fit, and `ConfigError` when this machine lacks the device or the precision.
    """
    payload = _read(path)
    try:
        content = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    except Exception as error:  # the restricted unpickler lets a dozen kinds escape
        raise _refusal(path, "holds more than weights and numbers, such as code; none was executed") from error
    try:
        tensors, facts = dict(content["tensors"]), json.loads(content["facts"])
        config = TrainConfig(**facts["config"])
        position = {name: facts["position"][name] for name in _POSITION_FIELDS}
        dataset, threads, interventions = facts["dataset"], facts["threads"], facts["interventions"]
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise _refusal(path, f"does not hold what a checkpoint holds ({error})") from error
    settings = settings or config
    fresh = TrainState.initial(replace(settings, device=device) if device else settings)
    position |= {
        name: getattr(settings, name) for name in ADJUSTABLE if getattr(settings, name) != getattr(config, name)
    }
    if not _copy_tensors(tensors, _named_tensors(fresh)):
        raise _refusal(path, f"holds weights that do not fit the network {config.model} with {config.optimizer}")
    return Checkpoint(path, config, replace(fresh, **position), dataset, threads, interventions)


def load_latest(folder: Path, device: str | None = None, settings: TrainConfig | None = None) -> Checkpoint | None:
    """The newest checkpoint that is in order, the best one if no other is; None if nothing was ever saved.

    Raises `CheckpointError` when there are checkpoints but none can be used: starting from nothing is then a decision.
    """
    paths = [*reversed(list_checkpoints(folder).values()), *list_checkpoints(folder, BEST).values()]
    skipped: list[str] = []
    for path in paths:
        try:
            return replace(load(path, device, settings), skipped=tuple(skipped))
        except CheckpointError as error:
            skipped.append(str(error))
    if skipped:
        raise CheckpointError(f"No checkpoint in {display_path(folder)} can be used. {' '.join(skipped)}")
    return None


def _encode(config: TrainConfig, state: TrainState, dataset: str, interventions: Sequence[Mapping[str, Any]]) -> bytes:
    """A whole file."""
    facts = {
        "config": asdict(config),
        "position": {name: getattr(state, name) for name in _POSITION_FIELDS},
        "dataset": dataset,
        "threads": torch.get_num_threads(),
        "interventions": [dict(intervention) for intervention in interventions],
    }
    tensors = {name: tensor.cpu() for name, tensor in _named_tensors(state).items()}
    buffer = io.BytesIO()
    torch.save({"tensors": tensors, "facts": json.dumps(facts)}, buffer)
    prefix, payload = _PREFIX.pack(_MAGIC, VERSION, buffer.tell()), buffer.getvalue()
    return prefix + _digest(prefix, payload) + payload


def _named_tensors(state: TrainState) -> dict[str, Tensor]:
    """The very tensors that training goes on with, by name: `model.conv1.weight`, `optimizer.0`."""
    weights = {f"model.{name}": tensor for name, tensor in state.model.state_dict().items()}
    return weights | {f"optimizer.{number}": tensor for number, tensor in enumerate(state.optimizer.state())}


def _copy_tensors(saved: dict[str, Tensor], into: dict[str, Tensor]) -> bool:
    """Copy all tensors, keeping device and memory format of the targets; False, and nothing done, if they differ."""
    expected, found = ({name: (t.shape, t.dtype) for name, t in tensors.items()} for tensors in (into, saved))
    if expected == found:
        for name, tensor in into.items():
            tensor.copy_(saved[name])
    return expected == found


def _digest(prefix: bytes, payload: bytes) -> bytes:
    return hashlib.sha256(prefix + payload).digest()


def _read(path: Path) -> bytes:
    """The payload of a file, verified."""
    try:
        with path.open("rb") as file:
            prefix, digest = file.read(_PREFIX.size), file.read(_DIGEST_BYTES)
            if not _MAGIC.startswith(prefix[: len(_MAGIC)]):
                raise _refusal(path, "is not a checkpoint")
            payload = file.read()
    except OSError as error:
        problem = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"
        raise _refusal(path, problem) from error
    if len(digest) < _DIGEST_BYTES:
        raise _refusal(path, "is damaged: it ends within its header")
    _magic, version, length = _PREFIX.unpack(prefix)
    if len(payload) < length:
        raise _refusal(path, f"is damaged: it holds {len(payload)} of {length} bytes")
    if digest != _digest(prefix, payload):
        raise _refusal(path, "is damaged: its checksum does not match")
    if version != VERSION:
        raise CheckpointError(
            f"Checkpoint {display_path(path)} has version {version}, and this program reads {VERSION}. "
            "Update the program."
        )
    return payload


def _refusal(path: Path, problem: str) -> CheckpointError:
    return CheckpointError(
        f"Checkpoint {display_path(path)} {problem}. Choose another checkpoint, or start the run again."
    )


def _remove_superseded(folder: Path, step: int) -> None:
    for kind, kept in ((STEP, KEPT_CHECKPOINTS), (BEST, 1)):
        found = list_checkpoints(folder, kind)
        for number in found.keys() - [number for number in found if number <= step][-kept:]:
            found[number].unlink(missing_ok=True)
