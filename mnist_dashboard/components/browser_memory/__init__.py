"""Writes values into this browser's cookies; draws nothing."""

from __future__ import annotations

from collections.abc import Mapping

from mnist_dashboard.components.registry import register

_render = register("browser_memory")


def browser_memory(cookies: Mapping[str, str], path: str, *, key: str = "browser_memory") -> None:
    """Set cookies for addresses below `path`, each only when its value changes. Names and values must be tokens."""
    _render(key=key, data={"cookies": cookies, "path": path})
