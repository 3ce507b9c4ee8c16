"""The test images about which two runs disagree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypedDict

import streamlit as st

from mnist_dashboard.components.registry import register

_render = register("disagreement", "lib/evaluations/evaluations.css", "mistakes/mistakes.css")


class ComparedRun(TypedDict):
    """A run and its name."""

    id: int
    name: str


def disagreement(
    a: ComparedRun, b: ComparedRun, *, on_open: Callable[[dict[str, Any]], object], key: str = "disagreement"
) -> None:
    """Show which test images only run A, only run B and neither of them reads right, with the verdict on the two.

    When the reader chooses an image, it calls `on_open` with unchecked values: the `run` A, the `image`, and its `cell`
    in the confusion matrix of A.
    """
    _render(key=key, data={"a": a, "b": b}, on_open_change=lambda: on_open(dict(st.session_state[key]["open"])))
