"""Keeping, changing and deleting drawings, with the values that the browser sends."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from mnist_core.errors import DrawingError
from mnist_core.records import KeptDrawing
from mnist_dashboard import services
from mnist_dashboard.ui import messages

_VERSION_KEY = "kept_drawings_version"


def version() -> int:
    """Return a number that differs after every change by this session."""
    return int(st.session_state.get(_VERSION_KEY, 0))


def keep(values: Mapping[str, Any]) -> None:
    """Keep the drawing on the pad."""
    _change(lambda: services.current().actions.keep_drawing(_drawing(values)), "Kept. It is below, under Your digits.")


def edit(values: Mapping[str, Any]) -> None:
    """Change the name and the digit of a kept drawing."""
    _change(lambda: services.current().actions.edit_drawing(_drawing(values)), "Saved.")


def delete(values: Mapping[str, Any]) -> None:
    """Delete a kept drawing, which the message about it can bring back."""

    def bring_back() -> None:
        services.current().actions.keep_drawing(_drawing(values))
        _count_change()

    _change(
        lambda: services.current().actions.delete_drawing(_drawing(values)),
        "Deleted.",
        undo=bring_back,
        undone="It is kept again.",
    )


def _change(
    act: Callable[[], object], success: str, *, undo: Callable[[], None] | None = None, undone: str = ""
) -> None:
    messages.attempt(act, success, undo=undo, undone=undone)
    _count_change()


def _count_change() -> None:
    st.session_state[_VERSION_KEY] = version() + 1


def _drawing(values: Mapping[str, Any]) -> KeptDrawing:
    """Return the drawing that the browser has sent. Raises `DrawingError`."""
    try:
        image = base64.b64decode(str(values.get("image")), validate=True)
    except binascii.Error as error:
        raise DrawingError("The drawing did not arrive whole. Draw it again.") from error
    label, drawing_id = values.get("label"), values.get("id", 0)
    if type(label) is not int or type(drawing_id) is not int:
        raise DrawingError("Choose the digit that the drawing is meant to be.")
    return KeptDrawing(image, label, str(values.get("name", "")), drawing_id)
