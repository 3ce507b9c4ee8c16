"""The Share popover: where others watch, whether they may, and for owners the link that lets somebody act."""

from __future__ import annotations

import functools
from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from mnist_dashboard import access, services
from mnist_dashboard.components.owner_link import copy_owner_link
from mnist_dashboard.server import hosts
from mnist_dashboard.server.access_policy import GUEST_NAME
from mnist_dashboard.server.owner_link import owner_link
from mnist_dashboard.ui import messages

_PLACE = "share"
_FOLLOW_KEY = "follow_owner_link"
MAX_NAME_LENGTH = 40


def render_share_popover() -> None:
    """Draw the button and what it opens."""
    with (
        st.container(width="content", key="share"),
        st.popover("Share", icon=":material/share:", width="content"),
        st.container(gap="xsmall", key="share_content"),
    ):
        st.markdown("**Watch on this network**")
        if services.current().access_policy.is_visible:
            _render_watch_links()
        else:
            st.caption("Only this machine is answered at the moment.")
        if access.may_act():
            _render_visibility()
            _render_owner_link()
        messages.render(_PLACE)


def _render_watch_links() -> None:
    bases = _server_urls()
    if not bases:
        st.caption(
            "This machine is on no network, or the server was started for this machine only. If you know an address of "
            "this machine (the network settings show it), others watch at that address with the port of this page."
        )
        return
    st.caption("Anyone on the network can watch. Only the owner can change anything.")
    view = _current_view()
    st.image(_qr(bases[0] + view), width=132, alt=f"QR code of {bases[0]}{view}")
    for base in bases:
        st.code(base + view, language=None)


def _render_visibility() -> None:
    policy = services.current().access_policy
    st.session_state["visible_on_network"] = policy.is_visible
    st.toggle(
        "Visible on the network",
        key="visible_on_network",
        on_change=_on_visibility_change,
        disabled=not access.is_local(),
        help=None if access.is_local() else "Can be changed at the machine of the server only.",
    )


def _render_owner_link() -> None:
    st.markdown("**Owner link**")
    st.caption("Whoever opens it can start, steer and delete runs.")
    bases = _server_urls()
    link = owner_link(bases[0] if bases else hosts.local_url(), services.current().access_policy.key.read(), _run())
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        copy_owner_link(link, follow=st.session_state.pop(_FOLLOW_KEY, False))
        st.button(
            "Renew",
            icon=":material/key:",
            help="Makes a new link, and signs out everyone who came by the old one, on open pages too.",
            on_click=_on_renew,
        )
    if not access.is_local():
        st.text_input(
            "Your name", key=access.USER_NAME_KEY, max_chars=MAX_NAME_LENGTH, placeholder=GUEST_NAME,
            help="Stands beside what you change.",
        )  # fmt: skip


def _on_visibility_change() -> None:
    messages.attempt(lambda: access.show_on_network(st.session_state["visible_on_network"]), place=_PLACE)


def _on_renew() -> None:
    def renew() -> None:
        access.renew_key()
        # An owner who came by the old link has just signed out, too, and needs the new one.
        st.session_state[_FOLLOW_KEY] = not access.is_local() or services.current().access_policy.strict

    messages.attempt(renew, place=_PLACE)


def _server_urls() -> list[str]:
    """Addresses of the server for others: the one that this page was reached by comes first, if it is not loopback."""
    parts = urlsplit(st.context.url or "")
    own = [f"{parts.scheme}://{parts.netloc}"] if parts.netloc and not access.is_local() else []
    return list(dict.fromkeys([*own, *hosts.network_urls()]))


def _current_view() -> str:
    """Path and query of what this page shows."""
    query = urlencode(st.query_params.to_dict())
    return (urlsplit(st.context.url or "").path or "/") + (f"?{query}" if query else "")


def _run() -> str:
    return str(st.query_params.get("run", ""))


@functools.lru_cache(maxsize=64)
def _qr(link: str) -> str:
    """An SVG image, black on white in both themes: scanners expect that."""
    return str(segno.make(link, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff"))
