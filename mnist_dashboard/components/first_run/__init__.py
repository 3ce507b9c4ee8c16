"""Waits for the first run; draws nothing."""

from __future__ import annotations

from mnist_dashboard.components.registry import ignore_value, register

_render = register("first_run")


def first_run(*, key: str = "first_run") -> None:
    """Draw nothing, and rerun the page once when the first run exists."""
    _render(key=key, data={}, on_changed_change=ignore_value)
