"""Who may come in, and who may act: the two roles, and what a request must show for them.

An *owner* may do everything, a *viewer* sees everything and changes nothing. A person at this machine is owner without
ceremony: over a loopback connection, to a loopback name, through no proxy. Anyone else shows the owner key in a cookie.
With `strict`, everybody does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from streamlit import config as server_config

from mnist_dashboard.server.owner_key import OwnerKey
from mnist_dashboard.server.rate_limits import RateLimit

LOCATION_HEADER = "x-mnist-place"
"""Where a request was made, as the guard saw it: `LOCAL` or `REMOTE`. A copy sent by a client is dropped there."""

SOURCE_HEADER = "x-mnist-source"
"""By whom: an address, for limits. A copy sent by a client is dropped there, too."""

OWNER, GUEST = "owner", "Guest"
"""Names in the change log: of people at this machine, and of those who gave no name."""

LOCAL, REMOTE = "here", "elsewhere"
_HIDDEN_MARK = "this-machine-only"

MAX_KEY_ATTEMPTS, KEY_SECONDS = 20, 60.0
MAX_EXPORTS, EXPORT_SECONDS = 6, 60.0


class Sharing:
    """What is decided about sharing this server, in files of the runs folder: it holds after a restart, too."""

    def __init__(self, folder: Path, *, strict: bool = False) -> None:
        self.key = OwnerKey(folder / "owner-key")
        self.strict = strict
        self._hidden_mark = folder / _HIDDEN_MARK
        self._attempts = RateLimit(MAX_KEY_ATTEMPTS, KEY_SECONDS)
        self._taken = RateLimit(MAX_EXPORTS, EXPORT_SECONDS)

    @property
    def is_visible(self) -> bool:
        """Whether others on the network are let in at all."""
        return not self._hidden_mark.exists()

    def set_visible(self, visible: bool) -> None:
        """Let others in, or refuse them from now on. (The socket stays where it is bound.)"""
        if visible:
            self._hidden_mark.unlink(missing_ok=True)
        else:
            self._hidden_mark.touch()

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Whether a request with these headers, as the guard has left them, is let in."""
        return headers.get(LOCATION_HEADER) == LOCAL or self.is_visible

    def is_owner(self, headers: Mapping[str, str], cookies: Mapping[str, str]) -> bool:
        """Whether a request with these, as the guard has left them, may act. Ask at each act: keys are renewed."""
        if not self.admits(headers):
            return False
        if headers.get(LOCATION_HEADER) == LOCAL and not self.strict:
            return True
        return self.key.matches(cookies.get(owner_cookie(), ""))

    def may_try_key(self, source: str) -> bool:
        """Whether somebody may show a key that could be wrong; each time counts."""
        return self._attempts.allows(source)

    def may_export(self, headers: Mapping[str, str]) -> bool:
        """Whether whoever made a request with these may have another file made without acting; each time counts."""
        return self._taken.allows(headers.get(SOURCE_HEADER, ""))


def owner_cookie() -> str:
    """Name of the cookie with the owner key. With the port: cookies are shared by all ports of a host."""
    return f"mnist_owner_{server_config.get_option('server.port')}"


def viewer_cookie() -> str:
    """Name of the cookie by which one browser is counted once, however many pages it shows. It gives no rights."""
    return f"mnist_viewer_{server_config.get_option('server.port')}"
