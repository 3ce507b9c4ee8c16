"""The table of all runs, live."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from mnist_dashboard.components.registry import ignore_value, register

_render = register("run_table", "run_table/run_table.css")

KEY = "runs_table"
_TAKEN_KEY = "runs_table_taken"
"""Session key of the values that the page has taken from the table."""


def received(take: Mapping[str, Callable[[Any], None]], key: str = KEY) -> None:
    """Call the functions in `take` with the values that the browser has sent since the last call; call it first.

    `selected` is `{ids}`, the selected runs, `view` the view: columns, order and filters. Each has a `count`, so that
    no two are equal. `edit` is `{run, starred, token}`, or `{run, name, base, token}` where `base` is the name that was
    replaced.

    Streamlit's own callbacks would lose clicks: a rerun that interrupts it between two of them drops the second for
    good. Here, a value that an interrupted script run did not take is taken by the next one.
    """
    sent: Mapping[str, Any] | None = st.session_state.get(key)
    if not sent:  # the table has just appeared, and its counts in the browser start again
        st.session_state[_TAKEN_KEY] = {}
        return
    taken: dict[str, Any] = st.session_state.setdefault(_TAKEN_KEY, {})
    for name, use in take.items():
        value = sent.get(name)
        if value is not None and taken.get(name) != value:
            use(value)
            taken[name] = value


def run_table(
    view: Mapping[str, Any],
    *,
    selected: Sequence[int] = (),
    colors: Mapping[int, int] | None = None,
    known: Mapping[int, str] | None = None,
    restored: int = 0,
    can_edit: bool = False,
    edit: Mapping[str, Any] | None = None,
    key: str = KEY,
) -> None:
    """Show all runs as a table.

    The browser fetches the rows itself (`feed/summaries/summary_cache.py`). What the reader does arrives through
    `received`. Store it and pass it back as `selected` and `view`: Streamlit forgets a component's state when the user
    changes the page.

    The table keeps its view; it takes `view` when it appears, and again when `restored` changes.

    With `can_edit` runs can be starred and renamed in place; `edit` is the outcome of the latest new name, `{token,
    error}`.

    `colors` maps the ids of runs drawn in a chart to colour indices. `known` maps the ids of runs that the page shows
    to their `attempt/status`; when one of these changes, the browser reruns the page once.
    """
    data = {
        "view": view,
        "selected": list(selected),
        "colors": {str(run): color for run, color in (colors or {}).items()},
        "restored": restored,
        "can_edit": can_edit,
        "edit": edit,
        "known": {str(run): state for run, state in (known or {}).items()},
    }
    _render(
        key=key,
        data=data,
        on_selected_change=ignore_value,
        on_view_change=ignore_value,
        on_edit_change=ignore_value,
        on_changed_change=ignore_value,
    )
