"""Where datasets and runs live on disk, and how a path is written for a person.

Two environment variables decide; nothing here creates or checks a folder.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
"""The folder of `app.py`."""


def data_dir() -> Path:
    """The absolute folder of the datasets: `MNIST_DATA_DIR`, else `data` beside `app.py`. It may be read-only."""
    return _place("MNIST_DATA_DIR", "data")


def runs_dir() -> Path:
    """The absolute folder of what runs leave behind: `MNIST_RUNS_DIR`, else `runs` beside `app.py`."""
    return _place("MNIST_RUNS_DIR", "runs")


def model_path(run_id: int) -> Path:
    """Where the weights of a finished run are, if it was to save them."""
    return runs_dir() / "models" / f"run-{run_id}.pt"


def _place(variable: str, default: str) -> Path:
    # What a person types is relative to where they stand; the default is the same wherever the command is started.
    value = os.environ.get(variable)
    return Path(value).expanduser().absolute() if value else ROOT / default


def shown(path: Path) -> str:
    """`path` as it can be pasted into the terminal: relative if it is below the current directory, else in full."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
