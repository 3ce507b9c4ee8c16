"""The test images about which two runs disagree."""

from __future__ import annotations

from typing import TypedDict

from mnist_dashboard.components.registry import register

_render = register("disagreement", "mistakes/mistakes.css")


class ComparedRun(TypedDict):
    """A run and its name."""

    id: int
    name: str


def disagreement(a: ComparedRun, b: ComparedRun, *, key: str = "disagreement") -> None:
    """Show which test images only run A, only run B and neither of them reads right, with the verdict on the two."""
    _render(key=key, data={"a": a, "b": b})
