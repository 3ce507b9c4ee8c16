"""A search while it goes on: its numbers and its trials, live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def sweep_strip(
    sweep_id: int, *, may_act: bool, on_apply: Callable[[Mapping[str, Any]], None], key: str = "sweep_strip"
) -> None:
    """Draw the strip of numbers, the progress bar and the sentence of a search, above the row of actions.

    `on_apply` gets the values of the best trial, by setting, when its button is pressed.
    """


def sweep_board(sweep_id: int, *, may_act: bool, key: str = "sweep_board") -> None:
    """Draw what stands below the row of actions: slots, leaderboard, best so far, curves, winner and baseline."""
