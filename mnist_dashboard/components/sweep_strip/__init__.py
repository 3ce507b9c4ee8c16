"""The strip of a search: its numbers, how far it is, and one sentence, live."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from mnist_core.records import Sweep
from mnist_core.sweeps.control import shown_status
from mnist_dashboard.components.registry import ignore_value, register

_render = register("sweep_strip", "status_strip/status_strip.css")


def sweep_strip(
    sweep: Sweep, *, may_act: bool, on_apply: Callable[[Mapping[str, Any]], object], key: str = "sweep_strip"
) -> None:
    """Draw the numbers, the progress bar and the sentence of a search, above the row of actions.

    `on_apply` gets the values of the best trial, by setting, unchecked, when its button is pressed. The browser reruns
    the page when the status of the search is no longer the one given here.
    """
    _render(
        key=key,
        data={"sweep": sweep.id, "name": sweep.name, "status": shown_status(sweep).value, "may_act": may_act},
        on_changed_change=ignore_value,
        on_apply_change=lambda: on_apply(dict(st.session_state[key]["apply"])),
    )
