"""The checkpoint files of a run, listed by name without reading them. Does not import torch.

`step-00000844.ckpt` is a recent checkpoint, `best-00000844.ckpt` the best by validation accuracy.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from mnist_core.system.paths import runs_dir

STEP, BEST = "step", "best"


def checkpoints_dir(run_id: int) -> Path:
    """The folder of a run's checkpoints; it may not exist yet."""
    return runs_dir() / "checkpoints" / f"run-{run_id}"


def checkpoint_path(folder: Path, step: int, kind: str = STEP) -> Path:
    """The file of the checkpoint at `step`; it may not exist."""
    return folder / f"{kind}-{step:08}.ckpt"


def list_checkpoints(folder: Path, kind: str = STEP) -> dict[int, Path]:
    """Return the checkpoints of a kind in a folder by step, ascending."""
    name = re.compile(rf"{kind}-(\d{{8,}})\.ckpt")
    matches = [(match, path) for path in folder.glob(f"{kind}-*.ckpt") if (match := name.fullmatch(path.name))]
    return dict(sorted((int(match[1]), path) for match, path in matches))


def delete_checkpoints(run_id: int) -> None:
    """Delete the folder of a run that starts from step 0: its files belong to a run that was never recorded."""
    shutil.rmtree(checkpoints_dir(run_id), ignore_errors=True)
