"""The images behind the confusion matrix of a run, at any of its evaluations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from mnist_dashboard.components.registry import register

_render = register(
    "mistakes",
    "confusion_matrix/confusion_matrix.css",
    "lib/evaluations/evaluations.css",
    "draw/draw.css",
    "mistakes/mistakes.css",
    "mistakes/heat_map.css",
)


def mistakes(
    run: int,
    *,
    place: dict[str, Any],
    version: int,
    may_evaluate: bool,
    on_place: Callable[[dict[str, Any]], object],
    on_inside: Callable[[dict[str, Any]], object],
    on_evaluate: Callable[[], object],
    key: str = "mistakes",
) -> None:
    """Show the mistakes of a run, beginning at `place`; the component goes there again when `version` differs.

    `on_place` is called with the run and what the reader looks at, as unchecked values, soon after they have moved,
    and `on_inside` likewise when the reader wants to see the image in the view Inside.
    `on_evaluate` is called when the reader asks for an evaluation, which `may_evaluate` offers before the first one.
    """
    _render(
        key=key,
        data={"run": run, "place": place, "version": version, "may_evaluate": may_evaluate},
        on_place_change=lambda: on_place(dict(st.session_state[key]["place"])),
        on_inside_change=lambda: on_inside(dict(st.session_state[key]["inside"])),
        on_evaluate_change=on_evaluate,
    )
