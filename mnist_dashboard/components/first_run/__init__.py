"""Waits for the first run, or the first race; draws nothing."""

from __future__ import annotations

from mnist_dashboard.components.registry import ignore_value, register

_render = register("first_run")


def first_run(*, in_race: bool = False, key: str = "first_run") -> None:
    """Draw nothing, and rerun the page once when the first run exists, or the first one that is in a race."""
    _render(key=key, data={"in_race": in_race}, on_changed_change=ignore_value)
