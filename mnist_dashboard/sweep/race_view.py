"""The view of a race: who leads, live, and the curves of all lanes."""

from __future__ import annotations

import streamlit as st


def render_race(race_id: int | None, *, may_act: bool) -> None:
    """Draw a race; None stands for the newest one that trains, else the newest."""
    st.caption("No race yet. Choose what differs and press Start race.")
