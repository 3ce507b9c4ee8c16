"""Watches for the first run; draws nothing."""

from __future__ import annotations

from mnist_dashboard.components.registry import ignore_value, register

_render = register("first_run")


def first_run(*, key: str = "first_run") -> None:
    """Draw nothing; when there is a run, there is one rerun."""
    _render(key=key, data={}, on_changed_change=ignore_value)
