"""The runs that judge a drawing, as chips."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from mnist_dashboard.components.draw import MAX_JUDGES, Judge
from mnist_dashboard.components.registry import register

_render = register("judges", "judges/judges.css")


def judges(
    chosen: Sequence[Judge],
    candidates: Sequence[Judge],
    *,
    on_choose: Callable[[list[object]], object],
    key: str = "judges",
) -> None:
    """Show the chosen runs and offer the others. The first one, the run of the page, always judges.

    `on_choose` is called with the ids of the other chosen runs, as unchecked values.
    """
    _render(
        key=key,
        data={"chosen": list(chosen), "candidates": list(candidates), "most": MAX_JUDGES},
        on_others_change=lambda: on_choose(list(st.session_state[key]["others"])),
    )
