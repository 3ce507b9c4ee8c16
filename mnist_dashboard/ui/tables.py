"""Small tables of text that wrap: `st.dataframe` cuts what is wider than its column, on phones most sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from mnist_core.formatting import MISSING
from mnist_dashboard.ui import markdown


def render_table(rows: Sequence[Mapping[str, str]]) -> None:
    """Draw rows of plain text, whose keys are the column headings; a row without a column has a dash there."""
    titles = dict.fromkeys(title for row in rows for title in row)
    cells = [{markdown.escape(title): markdown.escape(row.get(title, MISSING)) for title in titles} for row in rows]
    st.table(cells, border="horizontal", hide_index=True)
