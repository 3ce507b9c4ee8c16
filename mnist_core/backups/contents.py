"""What is in a backup: a zip file with the database, the files of the runs, and a manifest with the hash of each.

The files of the runs are those that the store recorded, with the content that it recorded. The owner files say which
browsers act as owner.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Protocol

DATABASE, MANIFEST = "runs.sqlite", "manifest.json"
"""Names in the zip file."""

FORMAT, VERSION = "mnist-trainer backup", 1

RUN_FOLDERS = ("checkpoints", "models")
"""Folders in the runs folder with the files of the runs."""

OWNER_FILES = ("owner/sessions/*", "owner-key", "this-machine-only", "audit.log")
"""The owner files, as patterns in the runs folder."""

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Report:
    """What a backup holds."""

    runs: int
    checkpoints: int
    models: int
    size: int
    """In bytes."""
    missing: int = 0
    """Number of models and of sets of checkpoints that it lacks: they are gone from the disk or have changed."""
    own_networks: tuple[str, ...] = ()
    """Files of users' own networks whose code it holds."""

    @property
    def text(self) -> str:
        """The content in words, such as "12 runs, 30 checkpoints and 4 models"."""
        counts = ((self.runs, "run"), (self.checkpoints, "checkpoint"), (self.models, "model"))
        runs, checkpoints, models = (f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counts)
        return f"{runs}, {checkpoints} and {models}"


def is_run_file(name: str) -> bool:
    """Whether a file of a run may have this name, relative to the runs folder; never one outside its folders."""
    parts = PurePosixPath(name).parts
    return len(parts) > 1 and parts[0] in RUN_FOLDERS and _is_plain(name)


def is_owner_file(name: str) -> bool:
    """Whether an owner file may have this name, relative to the runs folder."""
    path = PurePosixPath(name)
    return _is_plain(name) and any(
        path.match(pattern) and len(path.parts) == len(PurePosixPath(pattern).parts) for pattern in OWNER_FILES
    )


def _is_plain(name: str) -> bool:
    parts = name.split("/")
    return all(part and part not in (".", "..") and "\\" not in part and ":" not in part for part in parts)


def owner_files(runs_folder: Path) -> Iterator[str]:
    """Return the names of the owner files that exist."""
    for pattern in OWNER_FILES:
        for path in sorted(runs_folder.glob(pattern)):
            if path.is_file() and not path.name.endswith(".tmp"):
                yield path.relative_to(runs_folder).as_posix()


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


def copy_and_hash(source: BinaryIO, target: Sink | None = None) -> str:
    """Return the SHA-256 of what is left of `source`, and write that to `target`."""
    digest = hashlib.sha256()
    while block := source.read(BLOCK_BYTES):
        digest.update(block)
        if target:
            target.write(block)
    return digest.hexdigest()
