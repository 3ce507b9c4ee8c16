"""The owner key, a secret in a file that only this account can read. A browser that shows it may act."""

from __future__ import annotations

import secrets
from pathlib import Path

from mnist_core.errors import MnistError
from mnist_core.system.atomic_files import write_atomically

KEY_BYTES = 32

_MIN_KEY_LENGTH = 22
"""Characters of base 64 that 128 bits take. This program writes no shorter key."""


class OwnerKey:
    """The key in a file, read again at each use: another server on the same folder may have renewed it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists():
            path.chmod(0o600)  # a backup may have restored it readable by all

    def read(self) -> str:
        """Return the key; create it if there is none. Raises `MnistError` if the file cannot be read or written."""
        try:
            key = self._path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return self.renew()
        except (OSError, UnicodeDecodeError) as error:
            raise MnistError(f"The owner key in {self._path} cannot be read: {error}. Delete that file.") from error
        return key if len(key) >= _MIN_KEY_LENGTH else self.renew()

    def renew(self) -> str:
        """Replace the key and return the new one. The old one is invalid at once."""
        key = secrets.token_urlsafe(KEY_BYTES)
        try:
            write_atomically(self._path, f"{key}\n".encode(), is_private=True)
        except OSError as error:
            raise MnistError(f"The owner key cannot be saved in {self._path}: {error}.") from error
        return key

    def matches(self, candidate: str) -> bool:
        """Whether `candidate` is the key. Takes equally long however much of it is right."""
        return bool(candidate) and secrets.compare_digest(candidate.encode(), self.read().encode())
