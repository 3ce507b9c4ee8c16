"""The key of the line styles of charts that compare runs, where colour says which run a line belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from mnist_dashboard.components.registry import register

Style = Literal["train", "mean", "alone", "validation", "test", "best"]

_render = register("line_key", "line_key/line_key.css")


def line_key(styles: Sequence[Style], key: str = "line_key") -> None:
    """Draw one key for all charts of a page: a sample and a name for each of `styles`."""
    _render(key=key, data={"styles": list(styles)})
