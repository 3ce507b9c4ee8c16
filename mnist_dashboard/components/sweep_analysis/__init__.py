"""What the trials of a search say about its settings: which matter, good ranges, and all trials over their settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from mnist_dashboard.components.registry import register

_render = register(
    "sweep_analysis", "parallel_coordinates/parallel_coordinates.css", "sweep_analysis/sweep_analysis.css"
)


def sweep_analysis(
    sweep_id: int, *, may_act: bool, on_narrow: Callable[[Mapping[str, Any]], None], key: str = "sweep_analysis"
) -> None:
    """Draw the analysis of a search, kept up to date by the live feed and the route `/sweep-analysis.json`.

    "Narrow the search to it" calls `on_narrow` with unchecked values: `parameters` has a range or a list of each
    setting that goes on being searched, as `SweepSpec.from_json` reads them, and `fixed` the only good value of others.
    """
    _render(
        key=key,
        data={"sweep": sweep_id, "may_act": may_act},
        on_narrow_change=lambda: on_narrow(dict(st.session_state[key]["narrow"])),
    )
