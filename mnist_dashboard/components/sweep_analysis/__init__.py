"""What the trials of a search say about its settings: importances, good ranges, parallel coordinates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


def sweep_analysis(
    sweep_id: int, *, may_act: bool, on_narrow: Callable[[Mapping[str, Any]], None], key: str = "sweep_analysis"
) -> None:
    """Draw the analysis of a search.

    `on_narrow` gets `{"parameters": {name: {"low", "high", "log"} or [values]}}` when its button is pressed.
    """
