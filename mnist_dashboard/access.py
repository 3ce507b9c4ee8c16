"""What whoever looks at a page may do, and the check in front of everything that can be done.

Buttons follow `may_act()`, which is a courtesy. The rule is in `guarded`: every act of a page goes through it, and it
looks at the key again each time, so that an old key on an open page is worth nothing.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, Protocol, cast

import streamlit as st

from mnist_core.errors import MnistError
from mnist_dashboard import services
from mnist_dashboard.server.rate_limits import RateLimit
from mnist_dashboard.server.roles import GUEST, LOCAL, LOCATION_HEADER, OWNER

USER_NAME_KEY = "own_name"
"""Where the session keeps what a guest wants to be called."""

MAX_ACTIONS, ACTION_SECONDS = 40, 10.0


class NotAllowedError(MnistError):
    """Somebody who only watches, or whose key is old, wanted to act; or acted too often."""


class _Request(Protocol):
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def cookies(self) -> Mapping[str, str]: ...


def request() -> _Request:
    """The request with which this page's WebSocket was opened, as the guard left it."""
    return st.context


def may_act() -> bool:
    """Whether whoever looks at this page may change anything, now."""
    return services.current().sharing.is_owner(request().headers, request().cookies)


def is_local() -> bool:
    """Whether whoever looks at this page sits at the machine of the server."""
    return request().headers.get(LOCATION_HEADER) == LOCAL


def require_owner() -> None:
    """Raises `NotAllowedError` unless whoever looks at this page may act, now."""
    if not may_act():
        raise NotAllowedError("You are watching: only the owner can do this. Open the owner link to act.")


def require_export_quota() -> None:
    """Raises `NotAllowedError` when somebody who only watches has files made too often."""
    if not services.current().sharing.may_export(request().headers):
        raise NotAllowedError("Those are many files within a minute. Wait a little and try again.")


def renew_key() -> None:
    """Make a new owner key: everyone who holds the old one watches from here on."""
    require_owner()
    services.current().sharing.key.renew()


def show_on_network(visible: bool) -> None:
    """Let others in or not. Only for owners at the machine itself: another would shut the door on themselves."""
    require_owner()
    if not is_local():
        raise NotAllowedError("This can be changed at the machine of the server only.")
    services.current().sharing.set_visible(visible)


def current_user() -> str:
    """Who whoever looks at this page is called in lists of what was done."""
    return OWNER if is_local() else str(st.session_state.get(USER_NAME_KEY, "")).strip() or GUEST


def guarded(control: services.RunControl, acted: Callable[[str], None] = lambda _name: None) -> services.RunControl:
    """`control` for pages: each method of `RunControl`, and nothing else, after a check that its caller may act now.

    `acted` is told the name of whoever does.
    """
    limit = RateLimit(MAX_ACTIONS, ACTION_SECONDS)

    def checked(act: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(act)
        def check_and_act(*args: Any, **kwargs: Any) -> Any:
            require_owner()
            if not limit.allows(current_user()):
                raise NotAllowedError("That was too much at once. Wait a few seconds and try again.")
            acted(current_user())
            return act(*args, **kwargs)

        return check_and_act

    names = [name for name, _ in inspect.getmembers(services.RunControl, inspect.isfunction) if name[0] != "_"]
    return cast("services.RunControl", SimpleNamespace(**{name: checked(getattr(control, name)) for name in names}))
