"""What the current user of a page may do, and the check before every action.

Pages hide buttons by `may_act()`, but the rule is `action_check()`: it checks the key again before each action, so that
a page opened with an old key can do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import streamlit as st

from mnist_core.errors import MnistError
from mnist_dashboard import services
from mnist_dashboard.server.limits.rate_limits import RateLimit
from mnist_dashboard.server.roles import client_location
from mnist_dashboard.server.roles.access_policy import GUEST_NAME, OWNER_NAME

USER_NAME_KEY = "own_name"
"""Session key of the name that a user elsewhere has chosen."""

MAX_ACTIONS, ACTION_SECONDS = 40, 10.0
"""Actions that one user may take within this time."""


class NotAllowedError(MnistError):
    """A viewer, or an owner with an old key, tried to act, or a user acted too often."""


class _Request(Protocol):
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def cookies(self) -> Mapping[str, str]: ...


def request() -> _Request:
    """The request that opened this page's WebSocket, with the headers that the guard added."""
    return st.context


def may_act() -> bool:
    """Whether the current user is an owner at this moment."""
    return services.current().access_policy.is_owner(request().headers, request().cookies)


def is_local() -> bool:
    """Whether the current user is at the server's machine."""
    return client_location.is_local(request().headers)


def require_owner() -> None:
    """Refuse a viewer: raises `NotAllowedError` unless the current user is an owner at this moment."""
    if not may_act():
        raise NotAllowedError("You are watching: only the owner can do this. Open the owner link to act.")


def require_export_quota() -> None:
    """Raises `NotAllowedError` when a viewer exports too often."""
    if not services.current().access_policy.may_export(request().headers):
        raise NotAllowedError("You have exported many files within a minute. Wait a little and try again.")


def renew_key() -> None:
    """Make a new owner key; everyone with the old key becomes a viewer."""
    require_owner()
    services.current().access_policy.key.renew()


def show_on_network(visible: bool) -> None:
    """Answer other machines or not. Only for a user at the server's machine: others would lock themselves out."""
    require_owner()
    if not is_local():
        raise NotAllowedError("Only someone at the server's own machine can change this.")
    services.current().access_policy.set_visible(visible)


def current_user() -> str:
    """Display name of the current user in the change log."""
    return OWNER_NAME if is_local() else str(st.session_state.get(USER_NAME_KEY, "")).strip() or GUEST_NAME


def action_check(record_action: Callable[[str], None] = lambda _user: None) -> Callable[[], None]:
    """Return the check to run before every action on runs.

    The check raises `NotAllowedError` for viewers, old keys and too many actions. Otherwise it calls `record_action`
    with the name of the current user.
    """
    limit = RateLimit(MAX_ACTIONS, ACTION_SECONDS)

    def check() -> None:
        require_owner()
        if not limit.try_acquire(current_user()):
            raise NotAllowedError("Too many actions within a few seconds. Wait a few seconds and try again.")
        record_action(current_user())

    return check
