"""The folders of datasets, runs and networks, and how paths are shown to people.

Three environment variables set the folders. Without them, a checkout keeps its files next to `app.py`, an installed
copy in the user's data folder. Nothing here creates or checks a folder.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
"""The folder of the packages: the one with `app.py` in a checkout, `site-packages` in an installed copy."""

IS_CHECKOUT = all((ROOT / name).is_file() for name in ("app.py", "pyproject.toml"))

PROGRAM = "python -m mnist_core" if IS_CHECKOUT else "mnist-trainer"
"""How to start the command line, for messages that name a command."""


def data_dir() -> Path:
    """Return the absolute folder of the datasets: `MNIST_DATA_DIR`, else the default `data`. It may be read-only."""
    return _folder("MNIST_DATA_DIR", "data")


def runs_dir() -> Path:
    """Return the absolute folder of everything that runs write: `MNIST_RUNS_DIR`, else the default `runs`."""
    return _folder("MNIST_RUNS_DIR", "runs")


def networks_dir() -> Path:
    """Return the absolute folder of the user's own networks: `MNIST_NETWORKS_DIR`, else the default `networks`."""
    return _folder("MNIST_NETWORKS_DIR", "networks")


def absolute_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment with absolute folders, for a process that runs in another working directory."""
    names = ("MNIST_DATA_DIR", "MNIST_RUNS_DIR", "MNIST_NETWORKS_DIR")
    folders = {name: environment[name] for name in names if environment.get(name)}
    return {**environment, **{name: str(Path(folder).expanduser().resolve()) for name, folder in folders.items()}}


def _folder(variable: str, default: str) -> Path:
    # The variable is relative to the current directory; the default does not depend on it.
    value = os.environ.get(variable)
    if value:
        return Path(value).expanduser().absolute()
    if IS_CHECKOUT:
        return ROOT / default
    from platformdirs import user_data_dir  # only an installed copy needs it

    return Path(user_data_dir("mnist-trainer", appauthor=False)) / default


def display_path(path: Path) -> str:
    """Return `path` for messages and commands: relative if it is below the current directory, else absolute."""
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)
