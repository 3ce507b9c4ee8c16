"""A button that copies the owner link."""

from __future__ import annotations

from mnist_dashboard.components.registry import register

_render = register("owner_link", "owner_link/owner_link.css")


def copy_owner_link(link: str, *, follow: bool, key: str = "owner_link") -> None:
    """Draw a button that copies the owner link, which stays hidden. With `follow` the page opens the link at once."""
    _render(key=key, data={"link": link, "follow": follow})
