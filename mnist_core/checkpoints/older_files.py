"""Files saved before the store recorded files: their content must prove whose they are. Does not import torch.

A checkpoint holds the training time at its step. That is measured in fractions of a microsecond, and the store has it
for every step and evaluation of a run, so equal times show that the run saved the checkpoint. A checkpoint of step 0
holds initial weights, which depend only on its settings. A model file holds nothing but weights: it is a run's if its
weights are those of a checkpoint of the run's last step.
"""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

from mnist_core.checkpoints.envelope import unseal, unusable
from mnist_core.config import TrainConfig
from mnist_core.errors import CheckpointError
from mnist_core.records import Run
from mnist_core.store.queries import Queries
from mnist_core.system.paths import runs_dir


def check_checkpoint(queries: Queries, run: Run, path: Path, content: bytes) -> None:
    """Raise `CheckpointError` unless the content of a checkpoint shows that `run` saved it."""
    try:
        is_proven = _is_at_recorded_time(queries, run, _read_facts(unseal(path, content)))
    except CheckpointError:
        raise
    except Exception as error:  # reading a foreign pickle and zip raises a dozen kinds
        raise unusable(path, f"does not hold what a checkpoint holds ({error})") from error
    if not is_proven:
        raise unusable(path, f"does not match what {run.name} recorded, so another run may have saved it")


def is_own_file(queries: Queries, run: Run, path: Path) -> bool:
    """Whether the content of a checkpoint or model shows that `run` saved it."""
    content = path.read_bytes()
    if path.suffix == ".ckpt":
        return _is_own_checkpoint(queries, run, path, content)
    checkpoints = [
        runs_dir() / file.path
        for file in queries.list_files(run.id)
        if file.kind.is_resumable and file.step == run.progress.step
    ]
    try:
        weights = _stored_tensors(content)
        return bool(weights) and any(
            weights <= _stored_tensors(unseal(checkpoint, saved))
            for checkpoint in checkpoints
            if checkpoint.exists() and _is_own_checkpoint(queries, run, checkpoint, saved := checkpoint.read_bytes())
        )
    except zipfile.BadZipFile:
        return False


def _is_own_checkpoint(queries: Queries, run: Run, path: Path, content: bytes) -> bool:
    try:
        check_checkpoint(queries, run, path, content)
    except CheckpointError:
        return False
    return True


def _is_at_recorded_time(queries: Queries, run: Run, facts: dict[str, Any]) -> bool:
    step, seconds = facts["position"]["step"], facts["position"]["elapsed_seconds"]
    if facts["dataset"] != run.dataset:
        return False
    if step == 0:
        return TrainConfig.from_stored(facts["config"]) == run.config
    times = queries.read_steps(run.id)["elapsed_seconds"][step - 1 : step].tolist()
    evaluated = [evaluation for evaluation in queries.list_evaluations(run.id) if evaluation.step == step]
    return seconds in [*times, *(evaluation.elapsed_seconds for evaluation in evaluated)]


def _read_facts(payload: bytes) -> dict[str, Any]:
    """Return the facts in the payload of a checkpoint (see `format`); runs no code from it."""

    class Facts(pickle.Unpickler):
        def find_class(self, _module: str, _name: str) -> Any:
            return lambda *_arguments: None  # stands for the functions that build tensors

        def persistent_load(self, _storage: Any) -> None:
            """Leave out the numbers of a tensor."""

    with zipfile.ZipFile(io.BytesIO(payload)) as zipped:
        (name,) = (name for name in zipped.namelist() if name.endswith("/data.pkl"))
        facts: dict[str, Any] = json.loads(Facts(io.BytesIO(zipped.read(name))).load()["facts"])
        return facts


def _stored_tensors(saved: bytes) -> set[tuple[int, int]]:
    """Return length and checksum of the numbers of each tensor in a file written by `torch.save`."""
    with zipfile.ZipFile(io.BytesIO(saved)) as zipped:
        return {(member.file_size, member.CRC) for member in zipped.infolist() if "/data/" in member.filename}
