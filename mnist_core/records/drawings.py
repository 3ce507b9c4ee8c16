"""Digits that people have drawn and kept: a small test set of their own."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_core.errors import DrawingError

DRAWING_BYTES = 784
"""Bytes of an image of 28 by 28 pixels."""

MAX_DRAWINGS = 200
"""Maximum number of kept drawings. Every run with weights reads each of them."""


@dataclass(frozen=True, slots=True)
class KeptDrawing:
    """A drawing as the networks see it. Its image never changes."""

    image: bytes
    """Grey levels, row by row: 0 is paper, 255 is ink."""
    label: int
    """The digit that it is meant to be."""
    name: str = ""
    id: int = 0
    """0 until it is kept."""

    def __post_init__(self) -> None:
        if len(self.image) != DRAWING_BYTES:
            raise DrawingError(f"A drawing must have {DRAWING_BYTES} bytes, got {len(self.image):,}.")
        if self.label not in range(10):
            raise DrawingError(f"The digit of a drawing must be 0 to 9, got {self.label!r}.")


@dataclass(frozen=True, slots=True)
class DrawingScore:
    """How many of the kept drawings a run reads right."""

    right: int
    drawings: int
    """Number of those that it has read."""
