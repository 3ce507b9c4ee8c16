"""The queue on every page: a button in the frame that opens the list, and a line of text in the sidebar."""

from __future__ import annotations

from typing import Any

import streamlit as st

from mnist_core.errors import MnistError
from mnist_dashboard import access, services
from mnist_dashboard.components.run_queue import run_queue

_PROBLEM_KEY = "queue_problem"


def render_queue_button() -> None:
    """Draw the button and the list that it opens. Call it once per page; its place is in the header (style.css)."""
    with st.container(key="queue"):
        run_queue(
            "button",
            may_act=access.may_act(),
            on_act=_act,
            problem=st.session_state.pop(_PROBLEM_KEY, ""),
            key="queue_button",
        )


def render_queue_line() -> None:
    """Draw a line that names the queued runs and opens the list. It keeps its height while the queue is empty."""
    with st.container(key="queue_line"):
        run_queue("line", may_act=False, on_act=_act, key="queue_text")


def _act(request: dict[str, Any]) -> None:
    if problem := perform_request(request):
        st.session_state[_PROBLEM_KEY] = problem


def perform_request(request: dict[str, Any]) -> str:
    """Do what the list asks for; return why it was refused, or an empty text.

    The browser may send anything: an unknown request is ignored.
    """
    actions = services.current().actions
    try:
        match request:
            case {"do": "move", "run": int(run_id), "before": int(other)}:
                actions.move_in_queue(run_id, before=other)
            case {"do": "move", "run": int(run_id), "after": int(other)}:
                actions.move_in_queue(run_id, after=other)
            case {"do": "remove", "run": int(run_id)}:
                actions.remove_from_queue(run_id)
            case {"do": "return", "run": int(run_id)}:
                actions.return_to_queue(run_id)
    except MnistError as error:
        return str(error)
    return ""
