"""Parallel coordinates: one line per run, through its settings and its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

from mnist_dashboard.components.registry import register

_render = register("parallel_coordinates", "parallel_coordinates/parallel_coordinates.css")


class Dimension(TypedDict):
    """One axis: the position of each run on it, from 0 to 1, and its ticks as positions with labels."""

    label: str
    places: list[float]
    ticks: list[tuple[float, str]]


def parallel_coordinates(
    dimensions: Sequence[Dimension], names: Sequence[str], *, height: int, key: str = "parallel"
) -> None:
    """Draw one line per run through axes that can be brushed; the last axis is the result and colours the lines."""
    _render(key=key, data={"dimensions": list(dimensions), "names": list(names), "height": height})
