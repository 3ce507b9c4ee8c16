"""Hosts, trainers and servers that a test starts as processes of their own: where they work, and which of them live."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mnist_core.data.datasets import Dataset
from tests.support.factories import write_mnist


@contextlib.contextmanager
def isolated_folders(folder: Path, digits: Dataset) -> Iterator[Path]:
    """`data`, with the digits as MNIST, and `runs`, for many tests: a host keeps the folders it was started with.

    Whoever is left at the end is killed, and an error: no process may outlive the tests.
    """
    write_mnist(folder / "data", digits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MNIST_DATA_DIR", str(folder / "data"))
        patch.setenv("MNIST_RUNS_DIR", str(folder / "runs"))
        yield folder
        kill_remaining(folder / "runs")


def processes_of(runs: Path) -> list[psutil.Process]:
    """Whatever was started for this runs folder and lives, wherever it belongs in the tree of processes."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE:
                found += [process] if process.environ().get("MNIST_RUNS_DIR") == str(runs) else []
    return found


def kill_remaining(runs: Path) -> None:
    """Kill what still lives; that there is any is an error."""
    left = processes_of(runs)
    for process in left:
        process.kill()
    assert not left, "a process was left behind"
