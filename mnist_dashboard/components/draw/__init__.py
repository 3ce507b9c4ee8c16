"""A pad for digits, and what up to four runs read on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from mnist_dashboard.components.registry import register

MAX_JUDGES = 4
"""Maximum number of runs that judge a drawing at once."""

_render = register("draw", "draw/draw.css")


class Judge(TypedDict):
    id: int
    name: str


def draw(judges: Sequence[Judge], *, total_steps: int, epochs: Sequence[int], key: str = "draw") -> None:
    """Show a pad and, while a digit is drawn, what each of these runs reads; none if no run has saved weights.

    The digit's story is that of the first run, over its `total_steps`; `epochs` are the steps at which epochs end.
    """
    _render(key=key, data={"judges": list(judges), "total_steps": total_steps, "epochs": list(epochs)})
