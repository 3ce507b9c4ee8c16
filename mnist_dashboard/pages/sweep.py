"""The Sweep page: searches for good settings, and races of a few, live."""

from __future__ import annotations

import streamlit as st

from mnist_core import labels
from mnist_dashboard import access
from mnist_dashboard.sweep import place, race_form, race_view, search_form, search_view
from mnist_dashboard.train.settings.draft import read_draft
from mnist_dashboard.ui import headings, messages, queue
from mnist_dashboard.ui.state import stale_widgets

TABS = {place.SEARCH: "Search", place.RACE: "Race"}

_TAB_KEY = "sweep_tab"


def render_tabs(shown: str) -> None:
    """The choice between searches and races. The place says which tab is shown; a press goes to the newest of it."""
    key = stale_widgets.show_in_widget(_TAB_KEY, shown)

    def choose() -> None:
        chosen = st.session_state[key]
        place.go_to(place.Place(tab=place.RACE) if chosen == place.RACE else place.Place())

    st.segmented_control(
        "What to do",
        list(TABS),
        format_func=TABS.__getitem__,
        required=True,
        key=key,
        on_change=choose,
        label_visibility="collapsed",
        width="stretch",
    )


here = place.receive()
may_act = access.may_act()
draft = read_draft()
headings.render_page_heading("Sweep")
messages.enter_view(here.shown_tab)
with st.sidebar, st.container(key="settings"):
    headings.hidden_heading(labels.SETTINGS)
    with st.container(key="target"):
        render_tabs(here.shown_tab)
    if here.shown_tab == place.RACE:
        race_form.render_race_form(draft, may_act=may_act)
    else:
        search_form.render_search_form(draft, may_act=may_act)
    queue.render_queue_line()
stale_widgets.mark_values_sent()
# Each tab has a container of its own: the browser would rebuild elements that change places, and make charts flicker.
places = {tab: st.container(key=f"view_{tab}") for tab in TABS}
with places[here.shown_tab]:
    if here.shown_tab == place.RACE:
        race_view.render_race(here.race, may_act=may_act)
    else:
        search_view.render_search(here.sweep, may_act=may_act)
