"""The line below the slider of the learning rate: its zone, a suggestion, and the range test that finds them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypedDict

from mnist_dashboard.components.registry import register

_render = register("rate_zones", "rate_zones/rate_zones.css")

State = Literal["blank", "untested", "testing", "tested", "outdated", "failed"]


class RateLine(TypedDict):
    """What the line shows, and what the slider's track is painted with."""

    state: State
    slider: str
    """Widget key of the slider."""
    stops: Sequence[float]
    """The rates at which the slider stops, ascending."""
    rate: float
    zone: str
    """Zone of the rate, as `sweeps.rate_zones` names it; empty if that is unknown."""
    text: str
    """What the line says of the zone, or of the test that is outdated."""
    problem: str
    """Why the last test failed, or why none may be started now."""
    safe_up_to: float | None
    diverges_above: float | None
    suggested: float | None
    rates: Sequence[float]
    losses: Sequence[float | None]
    may_test: bool
    may_set: bool


def rate_line(line: RateLine, *, on_test: Callable[[], object], on_suggested: Callable[[], object], key: str) -> None:
    """Draw the line, and paint the track of the slider if its zones are known.

    A press on Find a good rate, or on Test again, calls `on_test`; one on the suggestion calls `on_suggested`.
    """
    _render(key=key, data=line, on_test_change=on_test, on_suggested_change=on_suggested)
