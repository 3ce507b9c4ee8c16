"""Who is let in and who may act: the two roles, owner and viewer.

An owner may do everything; a viewer sees everything and changes nothing. Someone at this machine is an owner, unless
the server is `strict`. Everyone else needs the owner key in a cookie. `guard` refuses requests by these rules, and
`mnist_dashboard.access` refuses what viewers try on a page.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from streamlit import config as server_config

from mnist_dashboard.server.limits.rate_limits import RateLimit
from mnist_dashboard.server.roles.client_location import CLIENT_ADDRESS_HEADER, is_local
from mnist_dashboard.server.roles.owner_key import OwnerKey

OWNER_NAME, GUEST_NAME = "owner", "Guest"
"""Names in the change log: for people at this machine, and for people elsewhere who gave no name."""

MAX_KEY_ATTEMPTS, KEY_ATTEMPT_SECONDS = 20, 60.0
"""Keys that one client may try within this time."""

MAX_EXPORTS, EXPORT_SECONDS = 6, 60.0
"""Files that one viewer may export within this time."""

_LOCAL_ONLY_FILE = "this-machine-only"


class AccessPolicy:
    """The access rules of one server. Key and visibility are files in the runs folder, so they outlive a restart.

    Its methods take headers as the guard left them, which say where a request was made (see `client_location`).
    """

    def __init__(self, folder: Path, *, strict: bool = False) -> None:
        self.key = OwnerKey(folder / "owner-key")
        self.strict = strict
        """Whether people at this machine need the owner key, too."""
        self._local_only_file = folder / _LOCAL_ONLY_FILE
        self._key_attempts = RateLimit(MAX_KEY_ATTEMPTS, KEY_ATTEMPT_SECONDS)
        self._exports = RateLimit(MAX_EXPORTS, EXPORT_SECONDS)

    @property
    def is_visible(self) -> bool:
        """Whether the server answers other machines."""
        return not self._local_only_file.exists()

    def set_visible(self, visible: bool) -> None:
        """Answer other machines from now on, or refuse them. The server keeps listening on the same address."""
        if visible:
            self._local_only_file.unlink(missing_ok=True)
        else:
            self._local_only_file.touch()

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request is let in, as a viewer at least."""
        return is_local(headers) or self.is_visible

    def is_owner(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Whether a request may act. Check before each action: the key may have been renewed since the last one."""
        if not self.admits(headers):
            return False
        if is_local(headers) and not self.strict:
            return True
        return self.key.matches(cookies.get(owner_cookie(), ""))

    def may_try_key(self, client: str) -> bool:
        """Whether the client at this address may show a key that could be wrong. Each call counts as an attempt."""
        return self._key_attempts.try_acquire(client)

    def may_export(self, headers: Mapping[str, str]) -> bool:
        """Whether a viewer may export another file. Each call counts as an export."""
        return self._exports.try_acquire(headers.get(CLIENT_ADDRESS_HEADER, ""))


def owner_cookie() -> str:
    """Name of the cookie with the owner key. It contains the port, because all ports of a host share cookies."""
    return f"mnist_owner_{server_config.get_option('server.port')}"


def viewer_cookie() -> str:
    """Name of the cookie that counts all pages of one browser as one viewer. It gives no rights."""
    return f"mnist_viewer_{server_config.get_option('server.port')}"
