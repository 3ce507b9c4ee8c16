"""Where the files of a run are, and the checkpoints in a folder by name. Reads no file and does not import torch.

The names hold the identity of the run next to its number, because a database restored from a backup reuses the number
for another run. `step-00000844.ckpt` is a recent checkpoint, `best-00000844.ckpt` the best on validation (by accuracy,
or as early stopping has it), `snapshot-00000844.ckpt` its weights alone.
"""

from __future__ import annotations

import re
from pathlib import Path

from mnist_core.records import FileKind, Run
from mnist_core.system.paths import runs_dir


def checkpoints_dir(run: Run) -> Path:
    """The folder of a run's checkpoints; it may not exist yet."""
    return runs_dir() / "checkpoints" / f"run-{run.id}-{run.uid}"


def model_path(run: Run) -> Path:
    """The file for the weights of a finished run, which exists if the run saved its model."""
    return runs_dir() / "models" / f"run-{run.id}-{run.uid}.pt"


def checkpoint_path(folder: Path, step: int, kind: FileKind = FileKind.STEP) -> Path:
    """The file of the checkpoint at `step`; it may not exist."""
    return folder / f"{kind}-{step:08}.ckpt"


def list_checkpoints(folder: Path, kind: FileKind = FileKind.STEP) -> dict[int, Path]:
    """Return the checkpoints of a kind in a folder by step, ascending."""
    name = re.compile(rf"{kind}-(\d{{8,}})\.ckpt")
    matches = [(match, path) for path in folder.glob(f"{kind}-*.ckpt") if (match := name.fullmatch(path.name))]
    return dict(sorted((int(match[1]), path) for match, path in matches))
