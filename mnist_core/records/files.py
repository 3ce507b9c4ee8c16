"""The files of a run outside the database."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class FileKind(StrEnum):
    """What a file of a run holds."""

    STEP = "step"
    """A recent checkpoint."""
    BEST = "best"
    """The checkpoint with the best validation accuracy."""
    MODEL = "model"
    """The weights of a finished run."""


@dataclass(frozen=True, slots=True)
class RunFile:
    """A file as the store records it, just before it takes its place on the disk."""

    path: str
    """Relative to the runs folder, with slashes."""
    kind: FileKind
    step: int
    """Completed updates of the weights in it."""
    sha256: str
    """Of the whole file; empty for a file saved before the store recorded files."""
