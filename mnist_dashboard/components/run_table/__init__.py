"""The table of all runs, live."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_dashboard.components.registry import ignore_value, register

_render = register("run_table", "run_table/run_table.css")


def run_table(
    view: Mapping[str, Any],
    *,
    selected: Sequence[int] = (),
    colors: Mapping[int, int] | None = None,
    known: Mapping[int, str] | None = None,
    on_selected: Callable[[list[int]], None],
    on_view: Callable[[dict[str, Any]], None],
    key: str = "runs_table",
) -> None:
    """Show all runs as a table, live; tell which ids are ticked, and how the reader wants to see the table.

    The rows reach the browser by a route of their own (`feed/summary_cache.py`). `selected` and `view` are what the
    table begins with: store what is told and pass it in again, for Streamlit forgets a component's state when the
    reader changes the page. It is told in callbacks, before the page is drawn, so that it is drawn once, with that.
    `colors` maps the id of a run that is drawn in a chart to its colour index. `known` maps the ids of runs that the
    page says more of to `attempt/status`: when that is no longer so, there is one rerun.
    """
    data = {
        "view": view,
        "selected": list(selected),
        "colors": {str(run): color for run, color in (colors or {}).items()},
        "known": {str(run): state for run, state in (known or {}).items()},
    }
    _render(
        key=key,
        data=data,
        on_selected_change=lambda: on_selected(list(st.session_state[key]["selected"])),
        on_view_change=lambda: on_view(dict(st.session_state[key]["view"])),
        on_changed_change=ignore_value,
    )
