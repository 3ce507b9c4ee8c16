"""What the current user of a page may do, and the check before every action.

Pages hide buttons by `may_act()`, but the rule is `action_check()`: it checks the session again before each action, so
that a page that has been signed out can do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import streamlit as st

from mnist_core.errors import MnistError
from mnist_dashboard import services
from mnist_dashboard.server.announcement import LINK_SECONDS
from mnist_dashboard.server.limits.rate_limits import RateLimit
from mnist_dashboard.server.roles import client_location
from mnist_dashboard.server.roles.access_policy import OWNER_NAME, VIEWER_NAME, AccessPolicy
from mnist_dashboard.server.roles.audit_log import describe_action
from mnist_dashboard.server.roles.owner_sessions import Session

MAX_ACTIONS, ACTION_SECONDS = 40, 10.0
"""Actions that one user may take within this time."""


class NotAllowedError(MnistError):
    """A viewer, or an owner who was signed out, tried to act, or a user acted too often."""


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
    return _policy().is_owner(request().headers, request().cookies)


def is_local() -> bool:
    """Whether the current user is at the server's machine."""
    return client_location.is_local(request().headers)


def current_session() -> Session | None:
    """The session of this browser; None for viewers and for owners who need none."""
    return _policy().session(request().cookies)


def current_user() -> str:
    """Display name of the current user in the change log and the audit log."""
    if not may_act():
        return VIEWER_NAME
    session = current_session()
    return session.name if session else OWNER_NAME


# ---------------------------------------------------------------------- checks


def require_owner() -> None:
    """Refuse a viewer: raises `NotAllowedError` unless the current user is an owner at this moment."""
    if not may_act():
        _record("refused")
        raise NotAllowedError("You are watching: only the owner can do this. Open a sign-in link to act.")


def require_export_quota() -> None:
    """Raises `NotAllowedError` when a viewer exports too often."""
    if not _policy().may_export(request().headers):
        raise NotAllowedError("You have exported many files within a minute. Wait a little and try again.")


def action_check(record_action: Callable[[str], None] = lambda _user: None) -> Callable[[], None]:
    """Return the check to run before every action on runs.

    The check raises `NotAllowedError` for viewers and too many actions. Otherwise it calls `record_action` with the
    name of the current user.
    """
    limit = RateLimit(MAX_ACTIONS, ACTION_SECONDS)

    def check() -> None:
        require_owner()
        if not limit.try_acquire(current_user()):
            raise NotAllowedError("Too many actions within a few seconds. Wait a few seconds and try again.")
        record_action(current_user())

    return check


def audit_action(name: str, values: tuple[object, ...]) -> None:
    """Write an action on runs to the audit log. `values` are its arguments and its result."""
    _record(name, describe_action(values))


# ---------------------------------------------------------------------- sharing


def create_code() -> str:
    """Return a new code that signs in another browser."""
    require_owner()
    code = _policy().sessions.create_code(LINK_SECONDS)
    _record("sign-in link made")
    return code


def list_sessions() -> list[Session]:
    """All browsers that are signed in, for owners."""
    require_owner()
    return _policy().sessions.list_sessions()


def end_session(session: Session) -> None:
    """Sign out a browser, which may be the current one."""
    require_owner()
    _record("signed out", session.name)
    _policy().sessions.end(session.id)


def end_other_sessions() -> None:
    """Sign out all browsers but the current one, and make sign-in links that were not used invalid."""
    require_owner()
    own = current_session()
    _policy().sessions.end_all(except_id=own.id if own else "")
    _record("signed out all others")


def rename_user(name: str) -> None:
    """Change the name of the current user in the change log."""
    require_owner()
    if session := current_session():
        name = " ".join(name.split())
        if not name.isprintable():
            raise NotAllowedError(f"Your name must not contain control characters, got {name!r}.")
        _record("renamed", name)
        _policy().sessions.rename(session, name)


def show_on_network(visible: bool) -> None:
    """Answer other machines or not. Only for a user at the server's machine: others would lock themselves out."""
    require_owner()
    if not is_local():
        raise NotAllowedError("Only someone at the server's own machine can change this.")
    _policy().set_visible(visible)
    _record("shared" if visible else "not shared any more")


def _policy() -> AccessPolicy:
    return services.current().access_policy


def _record(what: str, detail: str = "") -> None:
    address = client_location.client_address(request().headers)
    _policy().audit_log.record(current_user(), address, what, detail)
