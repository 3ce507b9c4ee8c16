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
    SNAPSHOT = "snapshot"
    """The weights alone at an earlier step, kept to show how the network learned. No run continues from it."""
    MODEL = "model"
    """The weights of a finished run."""

    @property
    def is_resumable(self) -> bool:
        """Whether a run can continue from such a file."""
        return self in (FileKind.STEP, FileKind.BEST)


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
