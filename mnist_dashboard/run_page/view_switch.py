"""The switch between the views of a run. The view is in the address."""

from __future__ import annotations

from typing import Literal

import streamlit as st

from mnist_dashboard.ui.state import run_address, stale_widgets

View = Literal["curves", "mistakes", "draw", "inside", "details"]
VIEWS: dict[View, str] = {
    "curves": "Curves",
    "mistakes": "Mistakes",
    "draw": "Draw",
    "inside": "Inside",
    "details": "Details",
}
"""Labels by name; the first is the one that an address without a view shows."""

_CHOICE = "view_choice"


def render_view_switch() -> View:
    """Draw the switch and return the view that it shows.

    Its state is the widget's, which the address follows: a rerun may come with an older address. The address says what
    to show when the reader comes to this page, or goes back or forward.
    """
    key = stale_widgets.renewable_key(_CHOICE)
    if key not in st.session_state or run_address.is_history_navigation():
        key = stale_widgets.show_in_widget(_CHOICE, current_view())
    chosen = st.segmented_control(
        "View of the run",
        list(VIEWS),
        format_func=VIEWS.__getitem__,
        required=True,
        key=key,
        label_visibility="collapsed",
    )
    view: View = chosen or "curves"
    run_address.show_view("" if view == "curves" else view)
    return view


def show(view: View) -> None:
    """Lead the reader to a view; call it before the switch is drawn."""
    stale_widgets.renew_widget(_CHOICE, view)


def current_view() -> View:
    """Return the view that the switch shows, or that the address names before the switch has been drawn."""
    named = st.query_params.get(run_address.VIEW, "")
    key = stale_widgets.renewable_key(_CHOICE)
    if key in st.session_state and not run_address.is_history_navigation():
        named = st.session_state[key]
    return next((view for view in VIEWS if view == named), "curves")
