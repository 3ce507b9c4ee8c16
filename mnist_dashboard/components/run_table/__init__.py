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
    can_edit: bool = False,
    edit: Mapping[str, Any] | None = None,
    on_selected: Callable[[list[int]], None],
    on_view: Callable[[dict[str, Any]], None],
    on_edit: Callable[[dict[str, Any]], None],
    key: str = "runs_table",
) -> None:
    """Show all runs as a table.

    The browser fetches the rows itself (`feed/summary_cache.py`). `on_selected` receives the ids of the selected runs,
    `on_view` the view: columns, order and filters. Both are callbacks, so the page is drawn once, with the new state.
    Store that state and pass it back as `selected` and `view`: Streamlit forgets a component's state when the user
    changes the page.

    With `can_edit` runs can be starred and renamed in place: `on_edit` receives `{run, starred}` or
    `{run, name, base, token}`, where `base` is the name that was replaced, and `edit` is the outcome of the latest new
    name, `{token, error}`.

    `colors` maps the ids of runs drawn in a chart to colour indices. `known` maps the ids of runs that the page shows
    to their `attempt/status`; when one of these changes, the browser reruns the page once.
    """
    data = {
        "view": view,
        "selected": list(selected),
        "colors": {str(run): color for run, color in (colors or {}).items()},
        "can_edit": can_edit,
        "edit": edit,
        "known": {str(run): state for run, state in (known or {}).items()},
    }
    _render(
        key=key,
        data=data,
        on_selected_change=lambda: on_selected(list(st.session_state[key]["selected"])),
        on_view_change=lambda: on_view(dict(st.session_state[key]["view"])),
        on_edit_change=lambda: on_edit(dict(st.session_state[key]["edit"])),
        on_changed_change=ignore_value,
    )
