"""Where datasets and runs live on disk, and how a path is written for a person.

Two environment variables decide; without them, a checkout keeps its files beside `app.py` and an installed copy in the
user's data folder. Nothing here creates or checks a folder.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
"""The folder of the packages: the one with `app.py` in a checkout, `site-packages` in an installed copy."""

IS_CHECKOUT = all((ROOT / name).is_file() for name in ("app.py", "pyproject.toml"))

PROGRAM = "python -m mnist_core" if IS_CHECKOUT else "mnist-trainer"
"""How a person starts the command line, for messages that name a command."""


def data_dir() -> Path:
    """The absolute folder of the datasets: `MNIST_DATA_DIR`, else the default `data`. It may be read-only."""
    return _folder("MNIST_DATA_DIR", "data")


def runs_dir() -> Path:
    """The absolute folder of what runs leave behind: `MNIST_RUNS_DIR`, else the default `runs`."""
    return _folder("MNIST_RUNS_DIR", "runs")


def model_path(run_id: int) -> Path:
    """Where the weights of a finished run are, if it was to save them."""
    return runs_dir() / "models" / f"run-{run_id}.pt"


def _folder(variable: str, default: str) -> Path:
    # What a person types is relative to where they stand; the default is the same wherever the command is started.
    value = os.environ.get(variable)
    if value:
        return Path(value).expanduser().absolute()
    if IS_CHECKOUT:
        return ROOT / default
    from platformdirs import user_data_dir  # only an installed copy needs it

    return Path(user_data_dir("mnist-trainer", appauthor=False)) / default


def display_path(path: Path) -> str:
    """`path` as it can be pasted into the terminal: relative if it is below the current directory, else in full."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
