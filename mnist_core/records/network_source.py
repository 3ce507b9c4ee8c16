"""The source code of a network of the user's own, as the store records it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mnist_core.network_names import DIGEST_LENGTH, OwnNetwork

MAX_SOURCE_BYTES = 200_000
"""Largest file that is read as a network: about 5,000 lines."""


@dataclass(frozen=True, slots=True)
class NetworkSource:
    """The content of a file with networks."""

    file: str
    """Name of the file, without its folder."""
    text: str
    path: str = ""
    """Where the file was on this machine; empty for one that was imported."""
    is_own: bool = True
    """Whether the user gave this file to this program here. Only then is it ever run."""

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's content, in hex."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def network(self, class_name: str) -> OwnNetwork:
        """Return the name of this version of a class."""
        return OwnNetwork(self.file, class_name, self.sha256[:DIGEST_LENGTH])
