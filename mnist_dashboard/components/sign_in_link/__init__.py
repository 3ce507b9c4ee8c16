"""A button that copies a sign-in link."""

from __future__ import annotations

from mnist_dashboard.components.registry import register

_render = register("sign_in_link", "sign_in_link/sign_in_link.css")


def copy_sign_in_link(link: str, *, key: str = "sign_in_link") -> None:
    """Draw a button that copies the link, which stays hidden."""
    _render(key=key, data={"link": link})
