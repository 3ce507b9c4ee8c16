"""Headings: one hidden heading a page, and one for each of its panels."""

from __future__ import annotations

import streamlit as st

from mnist_dashboard.components.page_heading import page_heading
from mnist_dashboard.feed.summaries.run_summary import RunSummary


def render_page_heading(page: str, run: RunSummary | None = None) -> None:
    """Draw the heading of a page, which only screen readers show, and set the title of the window; once per page."""
    with st.container(key="heading"):
        page_heading(page, run)


def hidden_heading(text: str) -> None:
    """Draw the heading of a panel that shows none, for screen readers. It takes no room."""
    with st.container(key=f"hidden_heading_{text.lower()}"):
        st.header(text, anchor=False)


def panel_heading(text: str) -> None:
    """Draw the heading of a panel. `text` is Markdown."""
    st.header(text, anchor=False)
