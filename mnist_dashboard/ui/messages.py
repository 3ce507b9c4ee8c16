"""The outcome of the user's last action: what was done, or why it could not be.

Actions run in callbacks, before the page is drawn; the page draws the outcome in its place. A problem is drawn once. A
success stays until the next action or until the user leaves the page or the view.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import streamlit as st

from mnist_core.errors import MnistError
from mnist_dashboard import access, services
from mnist_dashboard.ui import markdown

PAGE, SIDEBAR = "page", "sidebar"
"""Places below the buttons of a page and of its sidebar; popovers have places of their own."""

MAX_NAMES = 5
"""Maximum number of runs that a message names."""

_MESSAGE_KEY, _PAGE_KEY, _VIEW_KEY = "message", "page_shown", "view_shown"
Result = TypeVar("Result")
ButtonType = Literal["primary", "secondary"]


@dataclass(frozen=True)
class _Message:
    text: str
    place: str
    is_problem: bool = False
    undo: Callable[[], object] | None = None
    undone: str = ""


def attempt(
    action: Callable[[], Result],
    success: str | Callable[[Result], str] = "",
    *,
    place: str = PAGE,
    undo: Callable[[], object] | None = None,
    undone: str = "",
) -> None:
    """Run an action and keep its outcome for `render(place)`: `success`, or the text of the `MnistError` it raised.

    `success` is Markdown, or a function of the action's result that returns Markdown; empty shows nothing. With `undo`
    the message has a button that undoes the action, after which the page shows `undone`.
    """
    st.session_state.pop(_MESSAGE_KEY, None)
    try:
        result = action()
    except MnistError as error:
        st.session_state[_MESSAGE_KEY] = _Message(markdown.escape(str(error)), place, is_problem=True)
        return
    text = success if isinstance(success, str) else success(result)
    if text:
        st.session_state[_MESSAGE_KEY] = _Message(text, place, undo=undo, undone=undone)


def has_problem() -> bool:
    """Whether the last action was refused, and the page has not said so yet."""
    message: _Message | None = st.session_state.get(_MESSAGE_KEY)
    return message is not None and message.is_problem


def take_problem(place: str) -> str:
    """Return why the last action was refused, as Markdown, if it belongs here; empty if it was not. Says it once."""
    message: _Message | None = st.session_state.get(_MESSAGE_KEY)
    if message is None or message.place != place or not message.is_problem:
        return ""
    del st.session_state[_MESSAGE_KEY]
    return message.text


def action_button(
    label: str,
    icon: str,
    action: Callable[[], object],
    *,
    success: str = "",
    help: str = "",
    type: ButtonType = "secondary",
    disabled: bool = False,
    key: str | None = None,
) -> bool:
    """Draw a button that attempts an action; returns whether it was pressed. `icon` is the name of a Material icon."""
    # In a callback: it runs before the page is redrawn, and also when the redrawn page no longer has the button.
    return st.button(
        label,
        icon=f":material/{icon}:",
        help=help or None,
        type=type,
        disabled=disabled,
        key=key,
        on_click=attempt,
        args=(action, success),
    )


def render(place: str = PAGE) -> bool:
    """Draw the outcome of the last action, if it belongs here; return whether it does."""
    message: _Message | None = st.session_state.get(_MESSAGE_KEY)
    if message is None or message.place != place:
        return False
    if message.is_problem:
        del st.session_state[_MESSAGE_KEY]
        st.error(message.text, icon=":material/error:")
        return True
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f":material/check: {message.text}", width="content")
        if message.undo:
            action_button("Undo", "undo", message.undo, success=message.undone)
    return True


def render_store_problems() -> None:
    """Draw what the server found wrong with the stored runs when it started. Paths are for owners only."""
    problems = services.current().store_problems
    if problems and not access.may_act():
        st.warning(
            "The server found a problem with the stored runs. An owner sees more here.", icon=":material/warning:"
        )
        return
    for number, problem in enumerate(list(problems)):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.warning(markdown.escape(problem), icon=":material/warning:")
            st.button("Dismiss", key=f"dismiss_{number}", on_click=_dismiss, args=(problem,))


def _dismiss(problem: str) -> None:
    if access.may_act() and problem in services.current().store_problems:
        services.current().store_problems.remove(problem)


def enter_page(page: str) -> bool:
    """Forget the outcome of an action on another page. Return whether the page is another one than before."""
    if st.session_state.get(_PAGE_KEY) == page:
        return False
    st.session_state.pop(_MESSAGE_KEY, None)
    st.session_state[_PAGE_KEY] = page
    return True


def enter_view(view: str) -> None:
    """Forget the success of an action in another view of the page; call it before `render`. A problem is still told."""
    if st.session_state.get(_VIEW_KEY, view) != view and not has_problem():
        st.session_state.pop(_MESSAGE_KEY, None)
    st.session_state[_VIEW_KEY] = view
