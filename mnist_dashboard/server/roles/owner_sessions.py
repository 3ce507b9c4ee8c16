"""The browsers that are signed in as owners, and the one-time codes that sign in more of them.

Each code and each session is a file named by the hash of its secret, so no secret is on the disk. Creating, using and
ending them are single operations of the file system: servers and commands on the same runs folder need no lock. A code
belongs to the process that removes its file, which succeeds once. The time of a session's file is its last use.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mnist_core.errors import MnistError
from mnist_core.records import encode_json
from mnist_core.system.atomic_files import write_atomically
from mnist_core.system.private_files import create_private_folder

SESSION_SECONDS = 30 * 24 * 3600.0
"""A session ends this long after its last use."""

USE_SECONDS = 60.0
"""How exactly the last use is known."""

CODE_BYTES, TOKEN_BYTES = 16, 32


@dataclass(frozen=True)
class Session:
    """One browser that is signed in."""

    id: str
    name: str
    """The name of its user in the change log."""
    created_at: datetime
    last_used_at: datetime


class OwnerSessions:
    """The codes and sessions of one runs folder, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._codes = folder / "codes"
        self._sessions = folder / "sessions"

    # ------------------------------------------------------------------ codes

    def create_code(self, seconds: float) -> str:
        """Return a new code, which signs in one browser within this time. Raises `MnistError` if it cannot be saved."""
        self._remove_expired_codes()
        code = secrets.token_urlsafe(CODE_BYTES)
        _write(self._codes / _hash(code), str(time.time() + seconds))
        return code

    def is_pending(self, code: str) -> bool:
        """Whether the code would sign in a browser now. It stays valid."""
        return _expires_at(self._codes / _hash(code)) > time.time()

    def sign_in(self, code: str, device: str, previous_token: str = "") -> str | None:
        """Use up the code and return the token of a new session; None if the code is not valid.

        The new session replaces that of `previous_token`, and keeps its name.
        """
        path = self._codes / _hash(code)
        is_valid = _expires_at(path) > time.time()
        try:
            path.unlink()
        except OSError:  # used, never made, or not ours to remove
            return None
        if not is_valid:
            return None
        previous = self.find(previous_token)
        if previous:
            self.end(previous.id)
        name = previous.name if previous else self._unused_name(device)
        token = secrets.token_urlsafe(TOKEN_BYTES)
        self._save(_hash(token), name, datetime.now(UTC))
        return token

    # ------------------------------------------------------------------ sessions

    def is_signed_in(self, token: str) -> bool:
        """Whether this is the token of a session. Counts as a use of it. Takes about 6 microseconds."""
        if not token:
            return False
        path = self._sessions / _hash(token)
        try:
            unused_seconds = time.time() - path.stat().st_mtime
            if unused_seconds > SESSION_SECONDS:
                return False
            if unused_seconds > USE_SECONDS:
                os.utime(path)
        except OSError:
            return False
        return True

    def find(self, token: str) -> Session | None:
        """The session with this token, or None. Does not count as a use of it."""
        return self._read(self._sessions / _hash(token)) if token else None

    def list_sessions(self) -> list[Session]:
        """All sessions, the one used last first. Removes those that have ended by time."""
        sessions = []
        for path in _files(self._sessions):
            if session := self._read(path):
                sessions.append(session)
            else:
                path.unlink(missing_ok=True)
        return sorted(sessions, key=lambda session: session.last_used_at, reverse=True)

    def rename(self, session: Session, name: str) -> None:
        """Give the user of a session another name. A name in use gets a number; an empty one changes nothing."""
        if name and name != session.name:
            self._save(session.id, self._unused_name(name), session.created_at)

    def end(self, session_id: str) -> None:
        """Sign out one browser. It loses its rights at once, on open pages, too."""
        if session_id in {path.name for path in _files(self._sessions)}:
            (self._sessions / session_id).unlink(missing_ok=True)

    def end_all(self, *, except_id: str = "") -> None:
        """Sign out every browser but one, and make all codes invalid."""
        for path in [*_files(self._codes), *_files(self._sessions)]:
            if path.name != except_id:
                path.unlink(missing_ok=True)

    def _read(self, path: Path) -> Session | None:
        try:
            last_used_at = path.stat().st_mtime
            record = json.loads(path.read_text(encoding="utf-8"))
            name, created_at = str(record["name"]), datetime.fromtimestamp(record["created_at"], UTC)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        if time.time() - last_used_at > SESSION_SECONDS:
            return None
        return Session(path.name, name, created_at, datetime.fromtimestamp(last_used_at, UTC))

    def _save(self, session_id: str, name: str, created_at: datetime) -> None:
        record = {"name": name, "created_at": created_at.timestamp()}
        _write(self._sessions / session_id, encode_json(record))

    def _unused_name(self, name: str) -> str:
        """The name, or the name with the lowest number from 2 that no session has."""
        used = {session.name for session in self.list_sessions()}
        numbered = (f"{name} {number}" for number in range(2, len(used) + 3))
        return name if name not in used else next(other for other in numbered if other not in used)

    def _remove_expired_codes(self) -> None:
        for path in _files(self._codes):
            if _expires_at(path) <= time.time():
                path.unlink(missing_ok=True)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _files(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [path for path in folder.iterdir() if len(path.name) == hashlib.sha256().digest_size * 2]
    return []


def _expires_at(path: Path) -> float:
    """The Unix time at which a code expires; 0 if there is no such code."""
    try:
        return float(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0.0


def _write(path: Path, text: str) -> None:
    try:
        create_private_folder(path.parent)
        write_atomically(path, text.encode())
    except OSError as error:
        raise MnistError(
            f"{path.parent} cannot be written ({error.strerror}). Make room, or make it writable."
        ) from error
