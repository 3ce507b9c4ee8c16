"""The view of a search: its board and its analysis, live, with the actions on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from mnist_core.errors import SweepNotFoundError
from mnist_core.records import Sweep
from mnist_core.sweeps.control import shown_status
from mnist_dashboard import services
from mnist_dashboard.components.sweep_analysis import sweep_analysis
from mnist_dashboard.components.sweep_board import sweep_board, sweep_strip
from mnist_dashboard.ui import markdown, messages

EMPTY = "No search yet. Set the ranges and press Start search."
EMPTY_FOR_VIEWERS = "No search yet. It appears here as soon as the owner starts one."


def find_sweep(sweep_id: int | None) -> Sweep | None:
    """Return the sweep with this number, else the newest that is active, else the newest; None if there is none."""
    sweeps = services.current().sweeps
    if sweep_id is not None:
        try:
            return sweeps.get_sweep(sweep_id)
        except SweepNotFoundError:
            pass
    newest_first = sweeps.list_sweeps()[::-1]
    return next((sweep for sweep in newest_first if shown_status(sweep).is_active), next(iter(newest_first), None))


def render_search(sweep_id: int | None, *, may_act: bool) -> None:
    """Draw a search; None stands for the newest one that is active, else the newest."""
    sweep = find_sweep(sweep_id)
    with st.container(key="header"):
        if sweep:
            sweep_strip(sweep.id, may_act=may_act, on_apply=_apply)
        with st.container(key="outcome"):
            if not messages.render() and sweep_id is not None and (sweep is None or sweep.id != sweep_id):
                st.warning(f"There is no search {sweep_id}. Showing the latest instead.", icon=":material/info:")
    if sweep is None:
        st.caption(EMPTY if may_act else EMPTY_FOR_VIEWERS)
        return
    st.markdown(f"**{markdown.escape(sweep.name)}**")
    sweep_board(sweep.id, may_act=may_act)
    sweep_analysis(sweep.id, may_act=may_act, on_narrow=_narrow)


def _apply(values: Mapping[str, Any]) -> None:
    """Put the settings of a trial into the sliders of the Train page."""


def _narrow(values: Mapping[str, Any]) -> None:
    """Put ranges into the form of the search."""
