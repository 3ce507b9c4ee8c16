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


class ColorLegend(TypedDict):
    """What the colours of the lines stand for: the metric, and its values at both ends with their unit."""

    label: str
    low: str
    high: str


def parallel_coordinates(
    dimensions: Sequence[Dimension],
    names: Sequence[str],
    *,
    legend: ColorLegend,
    height: int,
    key: str = "parallel",
) -> None:
    """Draw one line per run through axes that can be brushed; the last axis is the result and colours the lines."""
    data = {"dimensions": list(dimensions), "names": list(names), "legend": legend, "height": height}
    _render(key=key, data=data)
