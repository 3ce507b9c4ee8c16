"""Who is let in and who may act: the two roles, owner and viewer.

An owner may do everything; a viewer sees everything and changes nothing. A browser is an owner's while it is signed in
(see `owner_sessions`), wherever it runs: a connection from this machine says nothing about who made it, unless the
server trusts everybody here (`trust_local`). `guard` refuses requests by these rules, and `mnist_dashboard.access`
refuses what viewers try on a page.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from streamlit import config as server_config

from mnist_dashboard.server.limits.rate_limits import MAX_CLIENTS, RateLimit
from mnist_dashboard.server.roles.audit_log import AuditLog
from mnist_dashboard.server.roles.client_location import client_address, is_local
from mnist_dashboard.server.roles.owner_sessions import OwnerSessions, Session

OWNER_NAME, VIEWER_NAME = "owner", "viewer"
"""Names of people without a session: those at a machine that is trusted, and those who watch."""

MAX_WRONG_TRIES, WRONG_TRY_SECONDS = 20, 60.0
"""Wrong codes and tokens that one client may send within this time."""

MAX_EXPORTS, EXPORT_SECONDS = 6, 60.0
"""Files that one viewer may export within this time."""

_LOCAL_ONLY_FILE = "this-machine-only"
_OLD_KEY_FILE = "owner-key"


class AccessPolicy:
    """The access rules of one server. Sessions and visibility are files in the runs folder, so they outlive a restart.

    Its methods take headers as the guard left them, which say where a request was made (see `client_location`).
    """

    def __init__(self, folder: Path, *, trust_local: bool = False) -> None:
        self.sessions = OwnerSessions(folder / "owner")
        self.audit_log = AuditLog(folder / "audit.log")
        self.trust_local = trust_local
        """Whether everybody at this machine is an owner without signing in."""
        self._local_only_file = folder / _LOCAL_ONLY_FILE
        self._wrong_tries = RateLimit(MAX_WRONG_TRIES, WRONG_TRY_SECONDS)
        self._wrong_secrets: OrderedDict[bytes, None] = OrderedDict()
        """Hashes of secrets that were counted as wrong tries: showing one of them again is no new guess."""
        self._exports = RateLimit(MAX_EXPORTS, EXPORT_SECONDS)
        with suppress(OSError):
            (folder / _OLD_KEY_FILE).unlink(missing_ok=True)  # of older versions; nothing accepts it any more

    @property
    def is_visible(self) -> bool:
        """Whether the server answers other machines."""
        return not self._local_only_file.exists()

    def set_visible(self, visible: bool) -> None:
        """Answer other machines from now on, or refuse them. The server keeps listening on the same address."""
        if visible:
            self._local_only_file.unlink(missing_ok=True)
        else:
            self._local_only_file.touch(mode=0o600)

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request is let in, as a viewer at least."""
        return is_local(headers) or self.is_visible

    def is_owner(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Whether a request may act. Check before each action: the session may have ended since the last one."""
        if not self.admits(headers):
            return False
        return (self.trust_local and is_local(headers)) or self.sessions.is_signed_in(cookies.get(owner_cookie(), ""))

    def session(self, cookies: Mapping[str, str]) -> Session | None:
        """The session of the browser that sent these cookies, or None."""
        return self.sessions.find(cookies.get(owner_cookie(), ""))

    def is_locked_out(self, headers: Mapping[str, str]) -> bool:
        """Whether the client has sent too many wrong codes and tokens to try another one now."""
        return self._wrong_tries.is_exhausted(client_address(headers))

    def record_wrong_try(self, headers: Mapping[str, str], secret: str) -> bool:
        """Count a wrong code or token. Returns whether it is new: a browser that was signed out repeats its token."""
        digest = hashlib.sha256(secret.encode(errors="replace")).digest()
        if digest in self._wrong_secrets:
            return False
        self._wrong_secrets[digest] = None
        if len(self._wrong_secrets) > MAX_CLIENTS:
            self._wrong_secrets.popitem(last=False)
        if self._wrong_tries.try_acquire(client_address(headers)):  # a guesser must not fill the log
            self.audit_log.record(VIEWER_NAME, client_address(headers), "wrong code or session")
        return True

    def may_export(self, headers: Mapping[str, str]) -> bool:
        """Whether a viewer may export another file. Each call counts as an export."""
        return self._exports.try_acquire(client_address(headers))


def owner_cookie() -> str:
    """Name of the cookie with a session's token. It contains the port, because all ports of a host share cookies."""
    return f"mnist_owner_{server_config.get_option('server.port')}"


def viewer_cookie() -> str:
    """Name of the cookie that counts all pages of one browser as one viewer. It gives no rights."""
    return f"mnist_viewer_{server_config.get_option('server.port')}"
