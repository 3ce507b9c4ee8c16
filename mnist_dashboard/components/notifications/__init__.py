"""A switch for notifications of the browser when a run ends."""

from __future__ import annotations

from mnist_dashboard.components.registry import register

_render = register("notifications", "notifications/notifications.css")


def notification_switch(*, key: str = "notifications") -> None:
    """Draw the switch. It is off until somebody switches it on, and applies to all tabs of the browser."""
    _render(key=key, data={})
