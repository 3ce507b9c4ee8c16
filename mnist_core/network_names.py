"""How settings, runs and checkpoints name a network of the user's own: `tiny.py:Tiny@3f2a9c1d04b7`.

That is the file, the class in it, and the beginning of the SHA-256 of the file's content, which is the version. So the
settings of a run say exactly which code it trains, and runs of different versions are never taken for repetitions.
Without the last part the name means the file as it is now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

DIGEST_LENGTH = 12
"""Hex digits of the SHA-256 in a name. Only the user's own files are ever loaded, so nobody gains from a collision."""

FILE_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,80}\.py"
CLASS_NAME = r"[A-Za-z_][A-Za-z0-9_]{0,80}"

OWN_NETWORK = rf"{FILE_NAME}:{CLASS_NAME}(@[0-9a-f]{{{DIGEST_LENGTH}}})?"
"""Pattern of the names. They need no quotes in a terminal, where people paste them."""


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """A class in a file of the user's own."""

    file: str
    """Name of the file, without its folder."""
    class_name: str
    digest: str = ""
    """First `DIGEST_LENGTH` hex digits of the SHA-256 of the file; empty for the file as it is now."""

    @classmethod
    def parse(cls, model: str) -> Self | None:
        """Return the network that a value of the setting `model` names; None for one of the built-in networks."""
        if not re.fullmatch(OWN_NETWORK, model):
            return None
        name, _, digest = model.partition("@")
        file, _, class_name = name.rpartition(":")
        return cls(file, class_name, digest)

    @property
    def name(self) -> str:
        """The value of the setting `model`."""
        return f"{self.file}:{self.class_name}" + (f"@{self.digest}" if self.digest else "")

    @property
    def label(self) -> str:
        """The network for people: `Tiny (tiny.py)`, with the version if there is one."""
        version = f", {self.digest[:8]}" if self.digest else ""
        return f"{self.class_name} ({self.file}{version})"
