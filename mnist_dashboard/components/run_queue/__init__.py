"""The queue: the runs that wait for a trainer, in order, live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from mnist_dashboard.components.registry import register

_render = register("run_queue", "run_queue/run_queue.css")


def run_queue(
    shape: Literal["button", "line"],
    *,
    may_act: bool,
    on_act: Callable[[dict[str, Any]], None],
    problem: str = "",
    key: str,
) -> None:
    """Draw a button that opens the list of queued runs, or one line of text that opens it.

    Draw the button once on a page: it holds the list. With `may_act` the list has buttons to move and remove runs.
    `on_act` is called with what the user asks for, for example `{"do": "move", "run": 9, "before": 8}`; `problem` says
    why the last request was refused.
    """
    _render(
        key=key,
        data={"shape": shape, "may_act": may_act, "problem": problem},
        on_act_change=lambda: on_act(dict(st.session_state[key]["act"])),
    )
