"""The part of the Share popover for owners: who is signed in, signing out, and links that sign in other devices."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from mnist_dashboard import access, services
from mnist_dashboard.components.sign_in_link import copy_sign_in_link
from mnist_dashboard.server import hosts
from mnist_dashboard.server.announcement import LINK_SECONDS
from mnist_dashboard.server.roles.owner_sessions import SESSION_SECONDS, Session
from mnist_dashboard.server.roles.sign_in import sign_in_link
from mnist_dashboard.ui import headings, markdown, messages

_CODE_KEY, _NAME_KEY = "sign_in_code", "own_name"
"""Session keys: the code of the link made last, and the field with the user's name."""

MAX_USER_NAME_LENGTH = 40
"""Maximum number of characters in the name of a user."""


def render_owner_panel(server_urls: list[str], *, place: str) -> None:
    """Draw the list of sessions and what an owner may do with it. Problems appear at `place`."""
    own, sessions = access.current_session(), access.list_sessions()
    if sessions:
        headings.panel_heading("Owners")
        st.caption(
            "These browsers can start, steer and delete runs. "
            f"Each is signed out {SESSION_SECONDS / 86_400:.0f} days after its last use."
        )
    for session in sessions:
        _render_session(session, is_own=own is not None and session.id == own.id, place=place)
    if len(sessions) > (own is not None):
        st.button(
            "Sign out all others",
            icon=":material/logout:",
            help="Also makes sign-in links that nobody has used invalid.",
            on_click=lambda: messages.attempt(access.end_other_sessions, place=place),
        )
    if own:
        _render_own_name(own, place=place)
    _render_new_link(server_urls, place=place)


def _render_session(session: Session, *, is_own: bool, place: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        which = "this browser" if is_own else f"last used {_age(session.last_used_at)}"
        st.markdown(f"{markdown.escape(session.name)} :small[:gray[{which}]]", width="stretch")
        st.button(
            "Sign out",
            key=f"sign_out_{session.id}",
            on_click=lambda: messages.attempt(lambda: access.end_session(session), place=place),
        )


def _render_own_name(own: Session, *, place: str) -> None:
    st.session_state[_NAME_KEY] = own.name
    st.text_input(
        "Your name",
        key=_NAME_KEY,
        max_chars=MAX_USER_NAME_LENGTH,
        help="Shown next to your changes.",
        on_change=lambda: messages.attempt(lambda: access.rename_user(st.session_state[_NAME_KEY]), place=place),
    )


def _render_new_link(server_urls: list[str], *, place: str) -> None:
    headings.panel_heading("Sign in another device")
    code = st.session_state.get(_CODE_KEY, "")
    if code and services.current().access_policy.sessions.is_pending(code):
        st.caption(f"It signs in the first browser that opens it. It works once, for {LINK_SECONDS / 60:.0f} minutes.")
        base = (server_urls or [hosts.local_url()])[0]
        copy_sign_in_link(sign_in_link(base, code, run=str(st.query_params.get("run", ""))))
    st.button("New sign-in link", icon=":material/key:", on_click=lambda: messages.attempt(_make_code, place=place))


def _make_code() -> None:
    st.session_state[_CODE_KEY] = access.create_code()


def _age(time: datetime) -> str:
    """How long ago that was, such as "5 minutes ago"."""
    seconds = max(0.0, (datetime.now(UTC) - time).total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length:
            count = int(seconds // length)
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "just now"
