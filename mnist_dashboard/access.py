"""Who the current user is, what they may do, and the check before every action.

Buttons follow `may_act()` as a courtesy. The rule is `action_check`: it reads the key again before each action, so an
old key on an open page is worth nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import streamlit as st

from mnist_core.errors import MnistError
from mnist_dashboard import services
from mnist_dashboard.server.access_policy import GUEST, LOCAL, LOCATION_HEADER, OWNER
from mnist_dashboard.server.rate_limits import RateLimit

USER_NAME_KEY = "own_name"
"""Session key of the name that a guest has chosen."""

MAX_ACTIONS, ACTION_SECONDS = 40, 10.0


class NotAllowedError(MnistError):
    """A viewer, or an owner with an old key, tried to act; or somebody acted too often."""


class _Request(Protocol):
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def cookies(self) -> Mapping[str, str]: ...


def request() -> _Request:
    """The request with which this page's WebSocket was opened, as the guard left it."""
    return st.context


def may_act() -> bool:
    """Whether the current user may change anything, now."""
    return services.current().sharing.is_owner(request().headers, request().cookies)


def is_local() -> bool:
    """Whether the current user sits at the machine of the server."""
    return request().headers.get(LOCATION_HEADER) == LOCAL


def require_owner() -> None:
    """Raises `NotAllowedError` unless the current user may act, now."""
    if not may_act():
        raise NotAllowedError("You are watching: only the owner can do this. Open the owner link to act.")


def require_export_quota() -> None:
    """Raises `NotAllowedError` when a viewer exports too often."""
    if not services.current().sharing.may_export(request().headers):
        raise NotAllowedError("Those are many files within a minute. Wait a little and try again.")


def renew_key() -> None:
    """Make a new owner key; everyone with the old key becomes a viewer."""
    require_owner()
    services.current().sharing.key.renew()


def show_on_network(visible: bool) -> None:
    """Let others in or not. Only at the machine itself: from elsewhere one would lock oneself out."""
    require_owner()
    if not is_local():
        raise NotAllowedError("This can be changed at the machine of the server only.")
    services.current().sharing.set_visible(visible)


def current_user() -> str:
    """Display name of the current user in the change log."""
    return OWNER if is_local() else str(st.session_state.get(USER_NAME_KEY, "")).strip() or GUEST


def action_check(record_action: Callable[[str], None] = lambda _user: None) -> Callable[[], None]:
    """The check before every action on runs: raises `NotAllowedError` for viewers, old keys and too many actions.

    `record_action` is called with the name of the user who acts.
    """
    limit = RateLimit(MAX_ACTIONS, ACTION_SECONDS)

    def check() -> None:
        require_owner()
        if not limit.allows(current_user()):
            raise NotAllowedError("That was too much at once. Wait a few seconds and try again.")
        record_action(current_user())

    return check
