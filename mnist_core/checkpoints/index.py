"""Which checkpoints a run has, told from their names: what is in them is `checkpoint`'s business. Without torch.

`step-00000844.ckpt` is one of the last, `best-00000844.ckpt` the best by validation accuracy.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from mnist_core.system.paths import runs_dir

STEP, BEST = "step", "best"


def checkpoints_dir(run_id: int) -> Path:
    """The folder of one run's checkpoints, which need not exist."""
    return runs_dir() / "checkpoints" / f"run-{run_id}"


def checkpoint_path(folder: Path, step: int, kind: str = STEP) -> Path:
    return folder / f"{kind}-{step:08}.ckpt"


def list_checkpoints(folder: Path, kind: str = STEP) -> dict[int, Path]:
    """The checkpoints of a kind in a folder by step, ascending."""
    name = re.compile(rf"{kind}-(\d{{8,}})\.ckpt")
    found = [(match, path) for path in folder.glob(f"{kind}-*.ckpt") if (match := name.fullmatch(path.name))]
    return dict(sorted((int(match[1]), path) for match, path in found))


def delete_checkpoints(run_id: int) -> None:
    """Remove what lies in the folder of a run that begins: left by one that came to nothing, it is not this run's."""
    shutil.rmtree(checkpoints_dir(run_id), ignore_errors=True)
