"""What the network of a run has learned, and what it makes of an image, at any of its evaluations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_dashboard.components.registry import register

_render = register("inside", "lib/evaluations/evaluations.css", "inside/inside.css")


def inside(
    run: int,
    *,
    place: dict[str, Any],
    version: int,
    on_place: Callable[[dict[str, Any]], object],
    on_mistakes: Callable[[dict[str, Any]], object],
    key: str = "inside",
) -> None:
    """Look into the network of a run, beginning at `place`; the component goes there again when `version` differs.

    Both callbacks get the run and a place in it, as unchecked values: `on_place` what the reader looks at, soon after
    they have moved, and `on_mistakes` what they want to see in the view Mistakes.
    """
    _render(
        key=key,
        data={"run": run, "place": place, "version": version},
        on_place_change=lambda: on_place(dict(st.session_state[key]["place"])),
        on_mistakes_change=lambda: on_mistakes(dict(st.session_state[key]["mistakes"])),
    )
