"""The number of viewers and the user who acted last, live."""

from __future__ import annotations

from mnist_dashboard.components.registry import register

_render = register("audience", "audience/audience.css")


def audience(*, may_act: bool, key: str = "audience") -> None:
    """Show whether the current user may act, how many are watching and who acted last."""
    _render(key=key, data={"may_act": may_act})
