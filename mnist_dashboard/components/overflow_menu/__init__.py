"""The button ⋯, which shows the actions of a row that is too narrow for all of them."""

from __future__ import annotations

from mnist_dashboard.components.registry import register

_render = register("overflow_menu", "overflow_menu/overflow_menu.css")


def overflow_menu(*, key: str = "overflow") -> None:
    """Draw the button. CSS says which actions of its row are in the menu, and hides the button if none are."""
    _render(key=key, data={})
