"""The confusion matrix of a run: live, or of one evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_dashboard.components.registry import register

_render = register("confusion_matrix", "confusion_matrix/confusion_matrix.css")


def confusion_matrix(
    run: int | None,
    *,
    empty: str | None = None,
    height: int = 372,
    on_open: Callable[[dict[str, Any]], object],
    key: str = "confusion",
) -> None:
    """Draw the confusion matrix of the last batches or of one evaluation, and name the most frequent mistakes.

    The component itself offers the choice, and keeps it in the browser: a run that has ended shows its test by default.
    It shows the text `empty` while there is no data. `height` is in pixels. When the reader chooses a cell, it calls
    `on_open` with unchecked values: `run`, `cell` such as `9-4`, and `source`, such as `test:844` or `live`.
    """
    _render(
        key=key,
        data={"run": run, "empty": empty, "height": height},
        on_open_change=lambda: on_open(dict(st.session_state[key]["open"])),
    )
