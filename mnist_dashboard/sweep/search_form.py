"""The sidebar of a search: what is searched, by which measure, for how long and how, and Start search."""

from __future__ import annotations

import streamlit as st

from mnist_dashboard.train.settings.draft import Draft


def render_search_form(draft: Draft, *, may_act: bool) -> None:
    """Draw the form in the sidebar. `draft` has the settings that are not searched; viewers see the form disabled."""
    st.caption("Tries settings by itself and stops those that fall behind.")
