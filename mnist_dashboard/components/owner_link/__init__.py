"""A button that copies the owner link."""

from __future__ import annotations

from mnist_dashboard.components.registry import register

_render = register("owner_link", "audience/audience.css")


def copy_owner_link(link: str, *, follow: bool, key: str = "owner_link") -> None:
    """A button that copies the owner link, which is not shown. With `follow` the page goes there itself, at once."""
    _render(key=key, data={"link": link, "follow": follow})
