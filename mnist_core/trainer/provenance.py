"""What a run is made with: program, packages, machine, dataset. Its trainer records it."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from dataclasses import fields
from functools import cache
from importlib import metadata

from mnist_core import __version__
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.data.datasets import Dataset, Split
from mnist_core.records import Provenance
from mnist_core.system.machine import processor_name
from mnist_core.system.paths import PROGRAM, ROOT

PACKAGES = ("torch", "torchvision", "numpy", "mlxtend")
"""Those that the numbers of a run depend on."""

GIT_SECONDS = 5.0


def collect_provenance(config: TrainConfig, data: Dataset, *, device: str, threads: int) -> Provenance:
    """The provenance of a run that begins here and now."""
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
        command=command_line(config, data.name, threads),
    )


def checksum(*splits: Split) -> str:
    """SHA-256 over the images and labels of each."""
    digest = hashlib.sha256()
    for split in splits:
        digest.update(split.images.data)
        digest.update(split.labels.data)
    return digest.hexdigest()


def command_line(config: TrainConfig, dataset: str, threads: int) -> str:
    """What trains it again in a terminal, with the dataset really used in place of `auto`."""
    words = [f"OMP_NUM_THREADS={threads}", *PROGRAM.split(), "train"]
    for field in fields(TrainConfig):
        setting, value = SETTINGS[field.name], getattr(config, field.name)
        if field.name == "dataset":
            value = dataset.lower()
        if setting.kind is bool:
            words += [setting.flag] if value else []
        elif value != setting.default:
            words += [setting.flag, str(value)]
    return " ".join(words)


@cache
def git_checkout() -> tuple[str, bool]:
    """The git commit of this program and whether its files differ from that; nothing where it is no checkout.

    Asked once, early: what this process runs was read when it started.
    """
    top_and_commit = _git("rev-parse", "--show-toplevel", "HEAD").split()
    if len(top_and_commit) != 2 or top_and_commit[0] != str(ROOT):
        return "", False
    return top_and_commit[1], bool(_git("--no-optional-locks", "status", "--porcelain"))


def _git(*words: str) -> str:
    try:
        command = ["git", "-C", str(ROOT), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=GIT_SECONDS).stdout.strip()
    except (OSError, subprocess.SubprocessError):  # no git, or no checkout
        return ""
