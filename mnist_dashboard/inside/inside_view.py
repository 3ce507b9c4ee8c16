"""The view Inside: filters, norms, what each layer makes of an image, and a map of all images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import streamlit as st

from mnist_core.records import Run
from mnist_dashboard.components.inside import inside
from mnist_dashboard.ui.state import place

EMPTY_TEXT = "What a network has learned shows here, from the first evaluation of a run on."


def render_controls(run: Run | None, on_draw: Callable[[], None]) -> None:
    """Draw the way to a digit of the reader's own, which calls `on_draw`."""
    if run is not None:
        st.button(
            "Draw one", icon=":material/edit:", key="draw_one", on_click=on_draw, help="Draw a digit of your own."
        )


def render_inside(run: Run | None, on_show_mistakes: Callable[[], object]) -> None:
    """Draw the view of a run; without one, say what it will show.

    `on_show_mistakes` is called when the reader wants to see an image in the view Mistakes, after the place is set.
    """
    if run is None:
        st.info(EMPTY_TEXT, icon=":material/grid_view:")
        return

    def show_mistakes(values: dict[str, Any]) -> None:
        place.go_to_sent(values)
        on_show_mistakes()

    inside(
        run.id,
        place=asdict(place.current(run.id)),
        version=place.version(),
        on_place=place.keep_sent,
        on_mistakes=show_mistakes,
    )
