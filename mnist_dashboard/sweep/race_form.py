"""The sidebar of a race: its lanes, what differs between them, and Start race."""

from __future__ import annotations

import streamlit as st

from mnist_dashboard.train.settings.draft import Draft


def render_race_form(draft: Draft, *, may_act: bool) -> None:
    """Draw the form in the sidebar. `draft` has the settings that all lanes share; viewers see it disabled."""
    st.caption("Starts two to four settings together on identical batches.")
