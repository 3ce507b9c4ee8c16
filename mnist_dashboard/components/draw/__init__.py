"""A pad for digits, and what up to four runs read on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypedDict

import streamlit as st

from mnist_dashboard.components.registry import register

MAX_JUDGES = 4
"""Maximum number of runs that judge a drawing at once."""

_render = register("draw", "draw/draw.css", "mistakes/heat_map.css")


class Judge(TypedDict):
    id: int
    name: str


def draw(
    judges: Sequence[Judge],
    *,
    total_steps: int,
    epochs: Sequence[int],
    may_keep: bool,
    kept_version: int,
    on_keep: Callable[[Mapping[str, Any]], object],
    on_edit: Callable[[Mapping[str, Any]], object],
    on_delete: Callable[[Mapping[str, Any]], object],
    key: str = "draw",
) -> None:
    """Show a pad and, while a digit is drawn, what each of these runs reads; none if no run has saved weights.

    The digit's story is that of the first run, over its `total_steps`; `epochs` are the steps at which epochs end.

    The browser fetches the kept drawings itself, again when `kept_version` changes. With `may_keep` it offers to keep
    the digit on the pad, and to change or delete a kept one. `on_keep` gets `{image, label, name}` with the image in
    base64, the others these and the `id`; the values are unchecked.
    """

    def sent(name: str) -> Mapping[str, Any]:
        values: Mapping[str, Any] = st.session_state[key][name]
        return values

    data = {
        "judges": list(judges),
        "total_steps": total_steps,
        "epochs": list(epochs),
        "may_keep": may_keep,
        "kept_version": kept_version,
    }
    _render(
        key=key,
        data=data,
        on_keep_change=lambda: on_keep(sent("keep")),
        on_edit_change=lambda: on_edit(sent("edit")),
        on_delete_change=lambda: on_delete(sent("delete")),
    )
