"""The Share popover: links for viewers; for owners, who may act and whether the network has access; notifications."""

from __future__ import annotations

import functools
from urllib.parse import urlencode, urlsplit

import segno
import streamlit as st

from mnist_dashboard import access, services
from mnist_dashboard.components.notifications import notification_switch
from mnist_dashboard.server import hosts
from mnist_dashboard.ui import headings, messages
from mnist_dashboard.ui.sharing import owner_panel

OPEN_KEY = "share_popover"
"""Session key: whether the popover is open."""

MAX_QR_LENGTH = 500
"""Maximum length of an address in a QR code, in characters: phones do not read denser codes from a screen."""

_PLACE = "share"


def render_share_popover() -> None:
    """Draw the button and the popover that it opens."""
    with (
        st.container(width="content", key="share"),
        st.popover("Share", icon=":material/share:", width="content", key=OPEN_KEY, on_change="rerun") as popover,
        st.container(gap="xsmall", key="share_content"),
    ):
        headings.panel_heading("Watch on this network")
        if services.current().access_policy.is_visible:
            _render_watch_links(with_qr_code=bool(popover.open))
        else:
            st.caption("Only this machine can open the dashboard at the moment.")
        if access.may_act():
            _render_visibility()
            owner_panel.render_owner_panel(_server_urls(), place=_PLACE)
        headings.panel_heading("This browser")
        notification_switch()
        messages.render(_PLACE)


def _render_watch_links(*, with_qr_code: bool) -> None:
    bases = _server_urls()
    if not bases:
        st.caption(
            "This machine is on no network, or the server was started for this machine only. If you know an address of "
            "this machine (the network settings show it), others can watch at that address with this page's port."
        )
        return
    st.caption("Anyone on the network can watch. Only owners can change anything.")
    view = _current_view()
    link = bases[0] + view
    if len(link) > MAX_QR_LENGTH:
        st.caption("The address of this view is too long for a QR code: clear the filters, or copy the address.")
    elif with_qr_code:
        st.image(_qr(link), width=132, alt=f"QR code of {link}")
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
        help=None if access.is_local() else "Can only be changed on the server's machine.",
    )


def _on_visibility_change() -> None:
    messages.attempt(lambda: access.show_on_network(st.session_state["visible_on_network"]), place=_PLACE)


def _server_urls() -> list[str]:
    """Return the server's addresses for others, first the one that this page was opened at unless it is loopback."""
    parts = urlsplit(st.context.url or "")
    own = [f"{parts.scheme}://{parts.netloc}{hosts.base_path()}"] if parts.netloc and not access.is_local() else []
    return list(dict.fromkeys([*own, *hosts.network_urls()]))


def _current_view() -> str:
    """Return the path below the server's own and the query of this page."""
    query = urlencode(st.query_params.to_dict())
    path = urlsplit(st.context.url or "").path.removeprefix(hosts.base_path())
    return (path or "/") + (f"?{query}" if query else "")


@functools.lru_cache(maxsize=64)
def _qr(link: str) -> str:
    """Return an SVG image, black on white in both themes, as scanners expect."""
    return str(segno.make(link, error="m").svg_inline(scale=4, border=4, dark="#000", light="#fff"))
