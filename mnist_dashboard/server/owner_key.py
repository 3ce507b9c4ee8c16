"""The owner key: whoever holds it may act. It lives in the runs folder, in a file for this account only."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from mnist_core.errors import MnistError

KEY_BYTES = 32
_LEAST_CHARACTERS = 22
"""128 bits in base 64. A file with less in it was not written here."""


class OwnerKey:
    """The key in a file. Read anew at each use: one that was renewed, by whatever server, counts from then on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists():
            path.chmod(0o600)  # it may have come back from a backup, readable by all

    def read(self) -> str:
        """The key; a new one if there is none yet. Raises `MnistError` if that is not possible."""
        try:
            key = self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return self.renew()
        except (OSError, UnicodeDecodeError) as error:
            raise MnistError(f"The owner key in {self._path} cannot be read: {error}. Delete that file.") from error
        return key if len(key) >= _LEAST_CHARACTERS else self.renew()

    def renew(self) -> str:
        """Replace the key; the old one is worth nothing from here on."""
        key = secrets.token_urlsafe(KEY_BYTES)
        try:
            descriptor, name = tempfile.mkstemp(prefix=".owner-key-", dir=self._path.parent)  # with mode 0600
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{key}\n")
            Path(name).replace(self._path)
        except OSError as error:
            raise MnistError(f"The owner key cannot be kept in {self._path}: {error}.") from error
        return key

    def matches(self, candidate: str) -> bool:
        """Whether that is the key, found out in a time that does not tell how much of it is right."""
        return bool(candidate) and secrets.compare_digest(candidate.encode(), self.read().encode())
