"""The run and the view in a page's address.

An address without a run follows whatever trains. An address with a run stays with it, and so does the session on every
page until the reader goes elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from mnist_core.errors import RunNotFoundError
from mnist_core.records import Run
from mnist_dashboard import services

RUN, VIEW = "run", "view"
"""Names of the parameters in the address, and of the session's keys."""

OTHER = "with"
"""Parameter with the run that the view sets beside this one."""

_MOVE_KEY = "move"
_VIEWS_KEY = "views_in_browser"
"""Session key of the views that the browser may show in its address: the latest it sent, and those written since."""

_LED_ELSEWHERE_KEY = "led_elsewhere"
"""Session key of whether the browser has sent a view that this session did not write; see `receive_view`."""


@dataclass(frozen=True)
class _Move:
    """A change of the run in the address that the browser may not have received yet; "" stands for no run."""

    old_id: str
    new_id: str
    is_new: bool = True
    """Whether the page has not been drawn whole since."""


def is_history_navigation() -> bool:
    """Return whether the reader has pressed Back or Forward: then the address says what to show."""
    context = get_script_run_ctx()
    has_flag = context is not None and context.is_history_navigation
    return has_flag or bool(st.session_state.get(_LED_ELSEWHERE_KEY))


def restore() -> None:
    """Put the run and the view of this session back into the address: a change of the page drops the query."""
    if RUN in st.session_state and RUN not in st.query_params and not is_history_navigation():
        st.session_state[_MOVE_KEY] = _Move("", st.session_state[RUN])
        _write(RUN, st.session_state[RUN])
        view = st.session_state.get(VIEW, "")
        st.session_state[_VIEWS_KEY] = ["", view]
        _write(VIEW, view)


def receive() -> None:
    """Take over the run in the address that the browser has sent. Call it once per drawing, before `run_id`.

    A rerun comes with the address that the browser had when it asked for it. If the browser had not received the
    latest move by then, e.g. because the run just started has changed its status, the rerun must not lead back. The
    move is over when a later rerun comes with another address than the old one.
    """
    st.session_state[_LED_ELSEWHERE_KEY] = False
    sent = st.query_params.get(RUN, "")
    move: _Move | None = st.session_state.get(_MOVE_KEY)
    if is_history_navigation():
        st.session_state.pop(_MOVE_KEY, None)
    elif move and sent == move.old_id:
        _write(RUN, move.new_id)
    elif move and move.is_new and sent == move.new_id:  # the callback that made it has written the address
        st.session_state[_MOVE_KEY] = replace(move, is_new=False)
    else:
        st.session_state.pop(_MOVE_KEY, None)
        if sent and sent != st.session_state.get(RUN):
            _write(RUN, sent)  # after a link from this page to itself the browser still shows the old address
    st.session_state[RUN] = st.query_params.get(RUN, "")


def receive_view() -> None:
    """Take over the view in the address that the browser has sent. Call it once per drawing of a page with views.

    Streamlit merges a rerun for Back with a later one, e.g. from a part of the page that has just loaded, and then does
    not say that the reader went back. The address says it: no other than the reader leads to a view that the browser
    did not show and that this session has not written.
    """
    sent = st.query_params.get(VIEW, "")
    views: list[str] = st.session_state.setdefault(_VIEWS_KEY, [sent])
    if sent in views:
        st.session_state[_VIEWS_KEY] = views[views.index(sent) :]
    else:
        st.session_state[_VIEWS_KEY] = [sent]
        st.session_state[_LED_ELSEWHERE_KEY] = True


def run_id() -> str:
    """Return the run that the address names, as text; empty if the page follows whatever trains."""
    return str(st.session_state[RUN])


def find_run() -> Run | None:
    """Return the run in the address, or None if there is none or it does not exist; see `missing_run`."""
    named = run_id()
    if not named:
        return None
    try:
        return services.current().queries.get_run(int(named))
    except (ValueError, OverflowError, RunNotFoundError):
        return None


def missing_run() -> str:
    """Return the name or number in the address if no run has it, else an empty text."""
    return "" if find_run() else run_id()


def go_to_run(run: Run) -> None:
    """Move from the run in the address to one that the reader has started or chosen."""
    _go_to(str(run.id))


def follow() -> None:
    """Move to the address without a run, which follows whatever trains."""
    _go_to("")


def _go_to(new_id: str) -> None:
    st.session_state[_MOVE_KEY] = _Move(st.session_state.get(RUN, ""), new_id)
    st.session_state[RUN] = new_id
    _write(RUN, new_id)


def show_view(view: str) -> None:
    """Put a view into the address; "" stands for the first one."""
    st.session_state[VIEW] = view
    if st.query_params.get(VIEW, "") != view:
        st.session_state[_VIEWS_KEY].append(view)
        _write(VIEW, view)


def other_id() -> int:
    """Return the number of the run to be set beside this one; 0 if the address names none."""
    named = st.query_params.get(OTHER, "")
    return int(named) if named.isascii() and named.isdecimal() and len(named) < 10 else 0


def show_other(run: Run | None) -> None:
    """Put the run that is set beside this one into the address."""
    if st.query_params.get(OTHER, "") != (str(run.id) if run else ""):
        _write(OTHER, str(run.id) if run else "")


def _write(name: str, value: str) -> None:
    if value:
        st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]
