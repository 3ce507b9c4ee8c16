"""Provenance of a run: program, packages, machine and dataset."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata

from mnist_core import __version__
from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import checksum
from mnist_core.records import Provenance
from mnist_core.system.machine import processor_name
from mnist_core.system.paths import ROOT

PACKAGES = ("torch", "torchvision", "numpy", "mlxtend")
"""Packages that the results of a run depend on."""

GIT_SECONDS = 5.0
"""Time limit for each call of git."""


def collect_provenance(
    config: TrainConfig,
    data: Dataset,
    *,
    device: str,
    threads: int,
    network_checksum: str = "",
    parameters: int = 0,
) -> Provenance:
    """Return the provenance of a run that this process starts now."""
    commit, is_dirty = git_checkout()
    packages = {name: metadata.version(name) for name in PACKAGES}
    if not commit:
        packages["mnist-trainer"] = __version__
    return Provenance(
        commit=commit,
        is_dirty=is_dirty,
        python=platform.python_version(),
        packages=packages,
        platform=platform.platform(),
        processor=processor_name(),
        device=device,
        precision=config.precision,
        threads=threads,
        seed=config.seed,
        dataset=data.name,
        dataset_checksum=checksum(data.train, data.test),
        test_checksum=checksum(data.test),
        network_checksum=network_checksum,
        parameters=parameters,
    )


@cache
def git_checkout() -> tuple[str, bool]:
    """Return the git commit of this program and whether files differ from it; `("", False)` outside a checkout.

    Cached. Call it early in a process, while the files are still those that the process has loaded.
    """
    top_and_commit = _git("rev-parse", "--show-toplevel", "HEAD").split()
    if len(top_and_commit) != 2 or top_and_commit[0] != str(ROOT):
        return "", False
    return top_and_commit[1], bool(_git("--no-optional-locks", "status", "--porcelain"))


def _git(*arguments: str) -> str:
    """Return what git prints, or "" if it fails."""
    try:
        command = ["git", "-C", str(ROOT), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=GIT_SECONDS).stdout.strip()
    except (OSError, subprocess.SubprocessError):  # no git, or no checkout
        return ""
